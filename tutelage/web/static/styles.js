"use strict";
// The page's policy forbids style attributes; what plotly writes into them is set as properties,
// which scripts may do. This has to come before plotly.
{
  const write = Element.prototype.setAttribute;
  Element.prototype.setAttribute = function (name, value) {
    if (name === "style" && this.style) this.style.cssText = value;
    else write.call(this, name, value);
  };
}
