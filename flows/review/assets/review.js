"use strict";
const find = (selector) => document.querySelector(selector);

// what is told of the frames of a clip, a piece at a time
function pieceReader() {
  const pieceFrames = Number(find("#player").dataset.piece), name = location.pathname.split("/").pop();
  const pieces = new Map();
  return async (kind, frame) => {
    const key = `${kind}/${Math.floor(frame / pieceFrames) * pieceFrames}`;
    if (!pieces.has(key)) {
      if (pieces.size > 20) pieces.delete(pieces.keys().next().value);
      pieces.set(key, fetch(`${name}/${key}.json`).then((answer) => (answer.ok ? answer.json() : Promise.reject(answer.status))));
    }
    try {
      return (await pieces.get(key))[frame] ?? [];
    } catch {
      pieces.delete(key);
      return [];
    }
  };
}

function playClip() {
  const times = JSON.parse(find("#times").textContent);
  // a review may show no original
  const arms = ["original", "released"].filter((arm) => find(`#${arm}`));
  const videos = arms.map((arm) => find(`#${arm} video`));
  // the released video leads: the original may be of a kind that the browser cannot play
  const [released, original] = videos.toReversed();
  const flags = [...document.querySelectorAll("#flags button")].map((button) => Number(button.dataset.frame));
  const { width, height } = find("#player").dataset;
  const pointsOf = pieceReader();
  const start = times[0] ?? 0;
  const last = times.length - 1;
  // players disagree on whether a clip that starts late begins at 0
  function offsetOf(video) {
    const fromPts = Math.abs(video.duration - times[last]), fromZero = Math.abs(video.duration - (times[last] - start));
    return fromZero < fromPts ? -start : 0;
  }

  function frameNow() {
    let low = 0, high = last;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (times[middle] <= released.currentTime - offsetOf(released) + 0.0005) low = middle; else high = middle - 1;
    }
    return Math.max(0, low);
  }

  function seek(frame, moved = videos) {
    const chosen = Math.min(last, Math.max(0, frame));
    const shown = chosen < last ? times[chosen + 1] - times[chosen] : 0.02;
    // the middle of a frame is surely within it
    for (const video of moved) video.currentTime = times[chosen] + offsetOf(video) + shown / 2;
  }

  // who asks for a frame by key wants to see it
  const look = () => find(".videos").scrollIntoView({ block: "nearest" });
  const pause = () => videos.forEach((video) => video.pause());
  // both stand still at the frame that is named
  function stop() {
    pause();
    const frame = frameNow();
    seek(frame);
    return frame;
  }
  const step = (count) => { pause(); seek(frameNow() + count); };
  const usable = () => videos.filter((video) => !video.error);
  const speed = () => Number(find("#speed").value);
  const toggle = () => (videos.every((video) => video.paused) ? usable().forEach((video) => video.play().catch(() => {})) : pause());
  function toFlag(way) {
    const now = frameNow();
    const ahead = way > 0 ? flags.filter((frame) => frame > now) : flags.filter((frame) => frame < now).reverse();
    if (ahead.length) { pause(); seek(ahead[0]); }
  }

  async function drawPoints(frame) {
    for (const arm of arms) find(`#${arm} canvas`).width = 0;
    for (const [number, arm] of arms.entries()) {
      const canvas = find(`#${arm} canvas`), video = videos[number];
      const points = find("#points").checked ? await pointsOf(arm, frame) : [];
      if (frame !== frameNow() || !find("#points").checked) return;
      canvas.width = video.videoWidth; canvas.height = video.videoHeight;
      const pen = canvas.getContext("2d"), size = Math.max(1, canvas.width / 400);
      // stored pixels need not be square
      const across = canvas.width / width, down = canvas.height / height;
      pen.fillStyle = "#3fff7f";
      for (const part of points) for (const [x, y] of part) pen.fillRect(x * across - size / 2, y * down - size / 2, size, size);
    }
  }

  function keepInStep() {
    if (!original || released.paused || original.error || original.seeking) return;
    const behind = (released.currentTime - offsetOf(released)) - (original.currentTime - offsetOf(original));
    if (Math.abs(behind) > 0.4) original.currentTime += behind;
    original.playbackRate = speed() * (1 + Math.min(0.3, Math.max(-0.3, 3 * behind)));
  }

  let told = -1, withPoints = false;
  function tell() {
    const frame = frameNow();
    keepInStep();
    if (frame !== told || withPoints !== find("#points").checked) {
      told = frame; withPoints = find("#points").checked;
      find("#where").value = `frame ${frame} of ${last}, ${(times[frame] - start).toFixed(2)} s`;
      find("#cursor").style.left = `${(100 * (frame + 0.5)) / times.length}%`;
      find("#timeline").ariaValueNow = frame;
      drawPoints(frame);
    }
    requestAnimationFrame(tell);
  }

  released.addEventListener("play", () => { find("#play").textContent = "pause"; });
  released.addEventListener("pause", () => {
    find("#play").textContent = "play";
    pause();
    // a player that stops may show the next frame already, and the other one another
    seek(frameNow(), released.ended ? videos.filter((video) => video !== released) : videos);
  });
  released.addEventListener("ended", pause);
  for (const [number, arm] of arms.entries()) {
    const trouble = () => { find(`#${arm} .trouble`).textContent = "this browser cannot play it: open the file in a video player"; };
    const check = () => { if (videos[number].error || (videos[number].readyState && !videos[number].videoWidth)) trouble(); };
    check();
    for (const moment of ["error", "loadedmetadata"]) videos[number].addEventListener(moment, check);
  }
  find("#play").addEventListener("click", toggle);
  find("#back").addEventListener("click", () => step(-1));
  find("#forth").addEventListener("click", () => step(1));
  find("#last-flag").addEventListener("click", () => toFlag(-1));
  find("#next-flag").addEventListener("click", () => toFlag(1));
  find("#speed").addEventListener("change", () => videos.forEach((video) => { video.playbackRate = speed(); }));
  function compare() {
    const alone = find("#released-only").checked, over = find("#wipe").checked && !alone;
    find("#original").classList.toggle("hidden", alone);
    find(".videos").classList.toggle("wipe", over);
    find("#share").hidden = !over;
    find("#released .screen").style.clipPath = over ? `inset(0 0 0 ${find("#edge").value}%)` : "";
  }
  if (original) for (const field of ["#released-only", "#wipe", "#edge"]) find(field).addEventListener("input", compare);
  find("#timeline").addEventListener("click", (event) => {
    const box = find("#timeline").getBoundingClientRect();
    pause();
    // of a long clip many frames share a pixel: a mark knows its own
    const mark = event.target.closest("[data-frame]");
    if (mark && mark.getBoundingClientRect().width < 12) seek(Number(mark.dataset.frame));
    else seek(Math.floor(((event.clientX - box.left) / box.width) * times.length));
  });
  for (const button of document.querySelectorAll("#flags button, button.jump")) {
    button.addEventListener("click", () => { pause(); seek(Number(button.dataset.frame)); find("#player").scrollIntoView(); });
  }
  const keys = {
    " ": toggle, ArrowLeft: () => step(-1), ArrowRight: () => step(1), Home: () => step(-Infinity), End: () => step(Infinity),
    n: () => toFlag(1), p: () => toFlag(-1), k: () => find("#points").click(), o: () => find("#released-only")?.click(),
    b: () => find("#wipe")?.click(),
    2: () => { const set = find("#speed"); set.value = set.value === "2" ? "1" : "2"; set.dispatchEvent(new Event("change")); },
  };
  document.addEventListener("keydown", (event) => {
    const inForm = event.target.closest("button, select, input, a");
    if (event.target.matches("textarea, input:not([type=checkbox])")) return;
    if (event.ctrlKey || event.metaKey || event.altKey || (inForm && (event.key === " " || event.target.matches("select")))) return;
    const act = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (act) { event.preventDefault(); look(); act(); }
  });
  tell();
  return { stop };
}

const player = find("#player") ? playClip() : null;
