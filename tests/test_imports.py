"""No two modules import each other, directly or round a corner."""

from __future__ import annotations

import grimp


def test_no_modules_import_each_other_in_a_circle():
    graph = grimp.build_graph("tutelage", exclude_type_checking_imports=True, cache_dir=None)
    circles = set()
    for module in graph.modules:
        for imported in graph.find_modules_directly_imported_by(module):
            chain = graph.find_shortest_chain(importer=imported, imported=module)
            if chain and len(chain) > 1:
                circles.add(" -> ".join(sorted(chain)))
    assert circles == set()
