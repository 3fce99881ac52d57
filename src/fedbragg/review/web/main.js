// Put the parts of the page together, and define the keys.

import { Brightness } from "./brightness.js";
import { CloseUp } from "./close_up.js";
import { Labelling } from "./labelling.js";
import { drawOverlay } from "./overlay.js";
import { Player } from "./play.js";
import { resolutionAt } from "./resolution.js";
import { Teach } from "./teach.js";
import { Viewer } from "./viewer.js";

const by = (id) => document.getElementById(id);
const PANNED = 0.2; // of the window
const ZOOMED = 1.5;
const REFRESHED = 2000; // milliseconds between requests for the progress of scoring

let labelling = null; // the parts call each other back, the first time before all exist
let brightness = null;

const shown = () => ({ spots: by("show-spots").checked, rings: by("show-rings").checked, ice: by("show-ice").checked });

function redraw() {
  if (!labelling) return;
  const { geometry, judgement } = labelling;
  drawOverlay(by("overlay"), viewer, { geometry, judgement, shown: shown() });
  const scale = viewer.whole ? viewer.view.scale / (window.devicePixelRatio || 1) : 0;
  by("zoom-now").textContent = scale ? `${scale >= 1 ? scale.toFixed(1) : scale.toFixed(2)} ×` : "";
}

function showPixel(found) {
  by("at-counts").textContent = found ? found.text : "–";
  by("at-row").textContent = found ? found.row : "–";
  by("at-col").textContent = found ? found.col : "–";
  const spacing = found ? resolutionAt(labelling?.geometry, found.row, found.col) : null;
  by("at-resolution").textContent = spacing === null ? "–" : spacing === Infinity ? "beam" : `${spacing.toPrecision(3)} Å`;
}

const failed = (error) => labelling.failed(error);
const closeUp = new CloseUp(by("loupe"), showPixel, failed);
const viewer = new Viewer(by("viewer"), by("picture"), {
  moved: redraw,
  pointed: (row, col) => closeUp.point(viewer.frame, viewer.together, row, col, brightness.levels),
  failed,
});
brightness = new Brightness((levels) => {
  viewer.setLevels(levels);
  closeUp.setLevels(levels);
});
labelling = new Labelling(viewer, brightness, redraw);
const teach = new Teach(failed, (path) => labelling.modelChanged(path));
const player = new Player(labelling, by("play"));

const toggle = (id) => () => {
  by(id).checked = !by(id).checked;
  redraw();
};
const pan = (x, y) => () => viewer.pan(x * PANNED * viewer.canvas.width, y * PANNED * viewer.canvas.height);

const KEYS = {
  h: () => labelling.give("hit"),
  m: () => labelling.give("maybe"),
  x: () => labelling.give("miss"),
  u: () => labelling.undo(),
  ArrowLeft: () => labelling.move(-1),
  ArrowRight: () => labelling.move(1),
  n: () => {
    by("summed").checked = !by("summed").checked;
    labelling.again();
  },
  p: () => player.toggle(),
  t: () => teach.change("start"),
  s: toggle("show-spots"),
  r: toggle("show-rings"),
  i: toggle("show-ice"),
  "[": () => brightness.more(1),
  "]": () => brightness.more(-1),
  a: () => brightness.toggleAutomatic(),
  l: () => brightness.nextCurve(),
  "+": () => viewer.zoom(ZOOMED),
  "=": () => viewer.zoom(ZOOMED),
  "-": () => viewer.zoom(1 / ZOOMED),
  0: () => viewer.fit(),
  w: pan(0, -1),
  z: pan(0, 1),
  q: pan(-1, 0),
  d: pan(1, 0),
};
const ONCE = new Set(["h", "m", "x", "u", "n", "p", "t"]); // a key held down labels one frame, not all

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input[type=number], select")) return;
  const action = KEYS[event.key];
  if (!action || (event.repeat && ONCE.has(event.key))) return;
  event.preventDefault();
  action();
});
addEventListener("keydown", (event) => event.key === "p" || player.stop(), { capture: true });

for (const button of document.querySelectorAll(".buttons button")) {
  button.addEventListener("click", () => labelling.give(button.dataset.label));
}
by("previous").addEventListener("click", () => labelling.move(-1));
by("next").addEventListener("click", () => labelling.move(1));
by("play").addEventListener("click", () => player.toggle());
by("summed").addEventListener("change", () => labelling.again());
by("together").addEventListener("change", () => {
  const field = by("together");
  field.value = Math.min(Number(field.max), Math.max(Number(field.min), Math.round(Number(field.value)) || 0));
  by("summed").checked = true;
  labelling.again();
});
by("go-to").addEventListener("change", () => labelling.jump(Math.round(Number(by("go-to").value)) - 1));
by("undo").addEventListener("click", () => labelling.undo());
by("order").addEventListener("change", () => labelling.setOrder());
by("zoom-in").addEventListener("click", () => viewer.zoom(ZOOMED));
by("zoom-out").addEventListener("click", () => viewer.zoom(1 / ZOOMED));
by("zoom-fit").addEventListener("click", () => viewer.fit());
for (const id of ["show-spots", "show-rings", "show-ice"]) by(id).addEventListener("change", redraw);
addEventListener("focus", () => labelling.returned());
setInterval(() => {
  const scored = labelling.state?.scoring;
  if (scored?.started && scored.done < labelling.state.frames) {
    labelling.returned();
    labelling.refreshGrid();
  }
}, REFRESHED);

await labelling.start();
labelling.labelled = () => teach.refresh();
await teach.refresh();
document.documentElement.dataset.ready = "yes";
