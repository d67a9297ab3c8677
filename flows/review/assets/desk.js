"use strict";
const MOST_RUNS = 2000;  // of frames, said at once

// what is said needs a secret that stands in the page and in no address
async function sayTo(address, words) {
  let answer;
  try {
    answer = await fetch(address, {
      method: "POST",
      keepalive: true,
      headers: { "Content-Type": "application/json", "Guise-Desk": find("meta[name=desk]").content },
      body: JSON.stringify(words),
    });
  } catch {
    find("#answer").textContent = "the review has ended: begin it again with `guise review`";
    return null;
  }
  if (answer.headers.get("content-type") !== "application/json") {
    find("#answer").textContent = `this was not taken (${answer.status}): load the page again`;
    return null;
  }
  return answer.json();
}

function isNamed() {
  for (const [field, word] of [["#by", "your name"], ["#why", "why"]]) {
    if (find(field).value.trim()) continue;
    find("#answer").textContent = `say ${word}`;
    find(field).focus();
    return false;
  }
  return true;
}

function keepApproval() {
  find("#approve").addEventListener("click", async () => {
    if (!isNamed()) return;
    const words = { by: find("#by").value, reason: find("#why").value, digest: find("#approval").dataset.digest };
    const told = await sayTo("desk/approval", words);
    if (!told) return;
    find("#names").textContent = told.names.join(", ") || "nobody";
    find("#missing").textContent = told.missing;
    const done = told.missing ? "on record; another person must approve, too" : "on record; it may be published";
    find("#answer").textContent = told.trouble || done;
  });
}

function keepDesk() {
  const { clip, video: digest } = find("#desk").dataset;
  const video = find("#released video");
  const times = JSON.parse(find("#times").textContent);
  // known: the word on the clip that the reviewer was shown, and has taken note of by a word of their own
  // by: who is looking; what is shown before they say so is theirs, what was shown to another is not
  let shown = [], fresh = false, busy = false, known = find(".place").textContent, refused = "", by = find("#by").value.trim();
  find("#unseen").checked = false;

  function greet() {
    const now = find("#by").value.trim();
    if (now === by) return;
    if (by) shown = [];
    // who accepts unseen says so for themselves
    find("#unseen").checked = false;
    find("#blind").hidden = true;
    by = now;
  }
  async function say(what, words) {
    const runs = by ? shown.splice(0, MOST_RUNS) : [], whose = by;
    const told = await sayTo(`../desk/${what}`, { clip_id: clip, video: digest, place: known, by, runs, ...words });
    if (!told && whose === by) shown.unshift(...runs);
    return told;
  }

  function countUnkept() {
    const frames = new Set(shown.flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, at) => first + at)));
    find("#watched").textContent = `${frames.size} of ${times.length} frames (kept once you say who you are)`;
  }
  function show(told) {
    for (const place of document.querySelectorAll(".place")) place.textContent = told.place;
    if (by) find("#watched").textContent = told.watched;
    find("#only").textContent = told.watched;
    if (told.enough) { find("#blind").hidden = true; find("#unseen").checked = false; }
    const next = find("#next-waiting");
    if (told.next) next.href = told.next; else next.removeAttribute("href");
    next.textContent = told.next ? "next clip that waits" : "no other clip waits";
  }

  async function act(what, words, done) {
    // a key that is held down, or a second press, says nothing twice
    if (busy) return;
    busy = true;
    greet();
    while (by && shown.length > MOST_RUNS && await say("watched", {}));
    const told = await say(what, words).finally(() => { busy = false; });
    if (!told) return;
    show(told);
    // a word that was refused for something else says nothing of another's word
    if (!told.trouble || told.trouble.includes(told.place)) known = told.place;
    refused = told.trouble;
    find("#answer").textContent = told.trouble || done;
    if (told.trouble && !told.enough && words.accepted) find("#blind").hidden = false;
  }

  function decide(accepted) {
    if (accepted && find("#accept").disabled) return;
    if (!isNamed()) return;
    const words = { accepted, reason: find("#why").value, unseen: find("#unseen").checked };
    act("decision", words, "on record");
  }

  // a frame counts when the browser says that it was put on the screen
  const middle = (low, high) => (low + high + 1) >> 1;
  function frameAt(time) {
    const offset = Math.abs(video.duration - times.at(-1)) < Math.abs(video.duration - (times.at(-1) - times[0])) ? 0 : times[0];
    let low = 0, high = times.length - 1;
    while (low < high) { const at = middle(low, high); if (times[at] <= time + offset + 0.0005) low = at; else high = at - 1; }
    return low;
  }
  // what is scrolled away, or lies under the original, nobody sees
  function isSeen() {
    const box = video.getBoundingClientRect();
    const across = Math.max(0, Math.min(box.right, innerWidth) - Math.max(box.left, 0));
    const down = Math.max(0, Math.min(box.bottom, innerHeight) - Math.max(box.top, 0));
    return across * down >= box.width * box.height / 2 && (!find("#wipe")?.checked || find("#released-only").checked);
  }
  function note(now, frame) {
    const at = frameAt(frame.mediaTime);
    const run = shown.at(-1);
    if (isSeen()) {
      fresh = true;
      if (run && at === run[1] + 1) run[1] = at;
      else if (!run || at < run[0] || at > run[1]) shown.push([at, at]);
    }
    video.requestVideoFrameCallback(note);
  }
  video.requestVideoFrameCallback(note);

  async function tell() {
    if (!fresh) return;
    fresh = false;
    if (!by) countUnkept();
    await ask();
  }
  async function ask() {
    const told = await say("watched", {});
    if (!told) { fresh = true; return; }
    show(told);
    if (told.trouble) find("#answer").textContent = told.trouble;
    else if (told.place !== known) {
      // what was just refused, and why, stays to be read
      find("#answer").textContent = [refused, `meanwhile it is otherwise (${told.place})`].filter(Boolean).join("; ");
    }
  }
  setInterval(tell, 1000);
  addEventListener("pagehide", tell);

  // somebody else may have decided on it meanwhile
  const next = async () => { await ask(); const there = find("#next-waiting"); if (there.href) there.click(); };
  find("#by").addEventListener("change", () => { greet(); ask(); });
  find("#accept").addEventListener("click", () => decide(true));
  find("#leave-out").addEventListener("click", () => decide(false));
  find("#take-back").addEventListener("click", () => act("taken-back", {}, "taken back"));
  const keys = { a: () => decide(true), r: () => decide(false), u: () => find("#take-back").click(), w: next };
  document.addEventListener("keydown", (event) => {
    if (event.target.matches("input, textarea, select")) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    const chosen = keys[event.key.toLowerCase()];
    if (chosen) { event.preventDefault(); chosen(); }
  });
}

if (find("#desk")) keepDesk();
if (find("#approval")) keepApproval();
