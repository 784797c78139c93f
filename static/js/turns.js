// Own changes of one object go one after another, each on the version the one before it left: nobody is in conflict
// with oneself. Somebody else's change in between still is: only versions made by our own change are followed.
const after = new Map();
const lines = new Map();
const key = (url) => new URL(url, location.origin).pathname;

/** Our own change took the object at this address from one version to the next. */
export function own(url, from, to) {
  if (to !== undefined && to !== null && String(from) !== String(to)) after.set(`${key(url)}@${from}`, String(to));
}

/** The version our own changes have made of this one. */
export function latest(url, version) {
  let found = String(version);
  while (after.has(`${key(url)}@${found}`)) found = after.get(`${key(url)}@${found}`);
  return found;
}

/** Run when every change of the object asked for before has been answered. */
export function inTurn(url, run) {
  const mine = (lines.get(key(url)) ?? Promise.resolve()).then(run);
  lines.set(key(url), mine.catch(() => {}));
  return mine;
}
