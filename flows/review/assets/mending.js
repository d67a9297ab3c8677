"use strict";

function keepMending() {
  const clip = find("#mending").dataset.clip;
  const screen = find("#released .screen"), video = find("#released video"), drawn = find("#released .drawn");
  const COLUMNS = ["first_frame", "last_frame", "x0", "y0", "x1", "y1", "action", "method", "uncovers_a_face",
    "to_x0", "to_y0", "to_x1", "to_y1", "track"];
  const BOX = ["x0", "y0", "x1", "y1"], TO = BOX.map((name) => `to_${name}`);
  const coversOf = pieceReader();
  let target = null, from = null;  // which fields a drawn box fills, and where it was begun

  // the picture lies in the middle of its screen, as large as it fits; boxes are in its own pixels as shown
  function place() {
    const box = video.getBoundingClientRect();
    const scale = Math.min(box.width / video.videoWidth, box.height / video.videoHeight);
    return { scale, left: box.left + (box.width - video.videoWidth * scale) / 2, top: box.top + (box.height - video.videoHeight * scale) / 2 };
  }
  function pointOf(event) {
    const { scale, left, top } = place();
    const within = (value, most) => Math.min(most, Math.max(0, Math.round(value)));
    return [within((event.clientX - left) / scale, video.videoWidth), within((event.clientY - top) / scale, video.videoHeight)];
  }
  async function coverOf(track) {
    const covers = await coversOf("covers", Number(find("#timeline").ariaValueNow));
    return covers.find(([number]) => String(number) === track)?.slice(1) ?? [];
  }
  async function showBox(names) {
    const track = find("#track").value;
    const drawnBox = () => names.map((name) => Number(find(`#${name}`).value || NaN));
    const [x0, y0, x1, y1] = track ? await coverOf(track) : drawnBox();
    if (track !== find("#track").value) return;
    drawn.hidden = ![x0, y0, x1, y1].every(Number.isFinite);
    if (drawn.hidden) return;
    const { scale, left, top } = place(), frame = screen.getBoundingClientRect();
    Object.assign(drawn.style, {
      left: `${left - frame.left + x0 * scale}px`, top: `${top - frame.top + y0 * scale}px`,
      width: `${(x1 - x0) * scale}px`, height: `${(y1 - y0) * scale}px`,
    });
  }

  function cells() {
    const said = { action: find("#action").value, first_frame: find("#first_frame").value, last_frame: find("#last_frame").value };
    if (said.action !== "remove") said.method = find("#method").value;
    if (said.action === "remove" && find("#uncovers").checked) said.uncovers_a_face = "yes";
    if (find("#track").value) said.track = find("#track").value;
    else for (const name of [...BOX, ...TO]) if (find(`#${name}`).value.trim()) said[name] = find(`#${name}`).value.trim();
    return said;
  }
  const lineOf = (said) => COLUMNS.map((name) => said[name] ?? "").join(",").replace(/,+$/, "");
  function show() {
    find("#row").textContent = lineOf(cells());
    showBox(target ?? BOX);
  }

  function list(rows) {
    find("#rows").replaceChildren(...rows.map((row) => {
      const item = document.createElement("li"), code = document.createElement("code"), out = document.createElement("button");
      code.textContent = row;
      out.textContent = "take out";
      out.className = "out";
      out.dataset.line = row;
      item.append(code, " ", out);
      return item;
    }));
  }
  async function write(words, done) {
    const told = await sayTo("../desk/correction", { clip_id: clip, ...words });
    if (!told) { find("#mended").textContent = find("#answer").textContent; return; }
    list(told.rows);
    find("#mended").textContent = told.trouble || `${done}: render it again when you have written all`;
  }

  const fields = () => [...document.querySelectorAll("#mending input, #mending select")];
  const valueOf = (field) => (field.type === "checkbox" ? "checked" : "value");
  let before = [];  // each field as it was when drawing began
  function giveUp() {
    draw(target, target === BOX ? find("#draw") : find("#draw-end"));
    for (const [field, value] of before) field[valueOf(field)] = value;
    show();
  }
  function draw(names, button) {
    if (!target) before = fields().map((field) => [field, field[valueOf(field)]]);
    const begins = button.ariaPressed !== "true";
    for (const one of [find("#draw"), find("#draw-end")]) one.ariaPressed = "false";
    button.ariaPressed = String(begins);
    target = begins ? names : null;
    screen.classList.toggle("drawing", begins);
    // another box has another end
    if (begins && names === BOX) {
      for (const name of TO) find(`#${name}`).value = "";
      find("#uncovers").checked = false;
    }
    if (begins) find("#player").scrollIntoView();
    if (begins) here(names === BOX ? "#first_frame" : "#last_frame");
  }
  function here(field) {
    find(field).value = player.stop();
    // an end before its start is for the person to mend: the row is refused
    if (field === "#first_frame" && Number(find("#last_frame").value) < Number(find("#first_frame").value)) find("#last_frame").value = find("#first_frame").value;
    show();
  }
  // who is chosen is meant for as long as they are covered
  function choose(track) {
    find("#track").value = track;
    // they are covered already
    if (track && find("#action").value === "add") find("#action").value = "method";
    const chosen = find("#track").selectedOptions[0];
    for (const name of ["first", "last"]) if (chosen.dataset[name]) find(`#${name}_frame`).value = chosen.dataset[name];
    show();
  }
  async function pick(event) {
    const [x, y] = pointOf(event), covers = await coversOf("covers", Number(find("#timeline").ariaValueNow));
    const under = covers.filter(([, x0, y0, x1, y1]) => x0 <= x && x <= x1 && y0 <= y && y <= y1);
    const size = ([, x0, y0, x1, y1]) => (x1 - x0) * (y1 - y0);
    if (under.length) choose(String(under.sort((one, other) => size(one) - size(other))[0][0]));
  }
  find("#track").addEventListener("change", () => choose(find("#track").value));
  screen.addEventListener("pointerdown", (event) => {
    if (!target) { if (video.paused && !BOX.some((name) => find(`#${name}`).value)) pick(event); return; }
    event.preventDefault();
    from = pointOf(event);
    screen.setPointerCapture(event.pointerId);
  });
  screen.addEventListener("pointermove", (event) => {
    if (!from) return;
    const to = pointOf(event), corners = [0, 1].map((axis) => [from[axis], to[axis]].sort((one, other) => one - other));
    [corners[0][0], corners[1][0], corners[0][1], corners[1][1]].forEach((value, number) => { find(`#${target[number]}`).value = value; });
    find("#track").value = "";
    show();
  });
  screen.addEventListener("pointerup", () => {
    if (!from) return;
    from = null;
    draw(target, target === BOX ? find("#draw") : find("#draw-end"));
    show();
  });

  // a run may take long; whoever comes back to the page sees how it goes
  async function follow(begin) {
    const told = await sayTo("../desk/rendering", { begin });
    if (!told) { find("#mended").textContent = find("#answer").textContent; return; }
    find("#render").disabled = told.running;
    find("#progress").replaceChildren(...told.lines.map((line) => Object.assign(document.createElement("li"), { textContent: line })));
    if (told.running) {
      find("#mended").textContent = "rendering";
      setTimeout(() => follow(false), 1000);
    } else if (told.trouble) find("#mended").textContent = told.trouble;
    else if (find("#mended").textContent === "rendering") location.reload();
  }
  find("#render").addEventListener("click", () => follow(true));
  follow(false);

  find("#draw").addEventListener("click", () => draw(BOX, find("#draw")));
  find("#draw-end").addEventListener("click", () => draw(TO, find("#draw-end")));
  find("#from-here").addEventListener("click", () => here("#first_frame"));
  find("#to-here").addEventListener("click", () => here("#last_frame"));
  find("#mending").addEventListener("input", show);
  addEventListener("resize", show);
  new MutationObserver(show).observe(find("#timeline"), { attributeFilter: ["aria-valuenow"] });
  find("#save").addEventListener("click", () => write({ cells: cells() }, "saved"));
  find("#rows").addEventListener("click", (event) => {
    if (event.target.matches(".out")) write({ out: event.target.dataset.line }, "taken out");
  });
  for (const button of document.querySelectorAll("button.take")) {
    button.addEventListener("click", () => {
      const values = button.dataset.line.split(",");
      const said = Object.fromEntries(COLUMNS.map((name, number) => [name, values[number] ?? ""]).filter(([, value]) => value));
      write({ cells: said }, "saved");
      find("#mending").scrollIntoView();
    });
  }
  document.addEventListener("keydown", (event) => {
    if (event.target.matches("input:not([type=checkbox]), textarea, select") || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape" && target && !from) giveUp();
    if (event.key.toLowerCase() === "c") { event.preventDefault(); find("#draw").click(); }
  });
  video.addEventListener("loadedmetadata", show);
  show();
}

if (find("#mending")) keepMending();
