// Rankings with ties as groups of places, best first: [[2], [0, 1]]. Nothing here touches the page.

/** Groups from rank numbers by place (0 or NaN: no rank); empty where one is missing. */
export function fromNumbers(numbers) {
  if (numbers.some((number) => !(number >= 1))) return [];
  const ranks = [...new Set(numbers)].sort((a, b) => a - b);
  return ranks.map((rank) => numbers.flatMap((number, place) => (number === rank ? [place] : [])));
}

export function rankOf(groups, place) {
  return groups.findIndex((group) => group.includes(place)) + 1;
}

/** One step up: out of a tie, to stand above it; alone, above the group before it. */
export function up(groups, place) {
  const at = rankOf(groups, place) - 1;
  return groups[at].length > 1 ? insert(groups, place, at) : insert(groups, place, Math.max(0, at - 1));
}

/** One step down: out of a tie, to stand below it; alone, below the next group. */
export function down(groups, place) {
  const at = rankOf(groups, place) - 1;
  return insert(groups, place, at + 1);
}

/** Into the group above; the first one stays. */
export function tie(groups, place) {
  const at = rankOf(groups, place) - 1;
  return at > 0 ? join(groups, place, groups[at - 1][0]) : groups;
}

/** Into the group of another. */
export function join(groups, place, other) {
  const rest = without(groups, place);
  return rest.map((group) => (group.includes(other) ? [...group, place] : group));
}

/** By itself at this rank (1 is best), or last where there are fewer. */
export function setRank(groups, place, rank) {
  return insert(groups, place, rank - 1);
}

/** By itself at an index among the other groups. */
export function insert(groups, place, index) {
  const rest = without(groups, place);
  rest.splice(Math.min(Math.max(index, 0), rest.length), 0, [place]);
  return rest;
}

function without(groups, place) {
  return groups.map((group) => group.filter((other) => other !== place)).filter((group) => group.length);
}
