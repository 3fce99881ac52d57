// Answer one example after the other by ticking the answers that apply.

import * as api from "./api.js";
import { Brightness } from "./brightness.js";
import { drawCurve } from "./curve.js";
import { Frames } from "./frames.js";
import { list, showAgreements, showProblem } from "./sidebar.js";
import { Viewer } from "./viewer.js";

const by = (id) => document.getElementById(id);
const LETTERS = "123456789abcdefghijklmnopqrstvwxyz"; // u takes back
const AHEAD = 5;
const ZOOMED = 1.5;

const frames = new Frames();
let state = null;
const unreadable = new Set();
let now = 0;
let shown = null; // the current example; null if it cannot be read
let last = Promise.resolve();
let waiting = 0;

const brightness = new Brightness((levels) => viewer.setLevels(levels));
const viewer = new Viewer(by("viewer"), by("picture"), { moved() {}, pointed() {}, failed });
new ResizeObserver(() => draw()).observe(by("viewer"));

function failed(error) {
  if (!(error instanceof api.Problem)) throw error;
  showProblem(error.message);
}

// One action after the other; an answer that comes while an action runs is dropped, because it may be meant for
// the example before.
function guarded(action, most = 3) {
  if (waiting > most) return undefined;
  waiting++;
  last = last.then(action).catch(failed).finally(() => waiting--);
  return last;
}

const boxes = () => [...by("choices").querySelectorAll("input")];
const ticked = () => new Set(boxes().filter((box) => box.checked).map((box) => box.value));

function makeChoices(names) {
  by("choices").append(
    ...names.map((name, number) => {
      const label = document.createElement("label");
      const box = Object.assign(document.createElement("input"), { type: "checkbox", value: name });
      box.addEventListener("change", draw);
      const key = Object.assign(document.createElement("kbd"), { textContent: LETTERS[number] ?? "·" });
      const text = Object.assign(document.createElement("span"), { textContent: name.replaceAll("_", " ") });
      label.append(box, key, text, Object.assign(document.createElement("output"), { className: "chance" }));
      return label;
    }),
  );
}

function draw() {
  if (shown?.curve) drawCurve(by("curve"), shown, ticked());
}

// Show an example, and return whether it can be read.
async function attempt(position) {
  const found = await frames.get(position, { longest: viewer.longest, together: 1 });
  now = position;
  display(found);
  if (!found.unreadable) return true;
  unreadable.add(position);
  showProblem(`${found.unreadable} It is skipped and has no answer.`);
  return false;
}

async function show(position, step = 1) {
  while (!(await attempt(position))) {
    position += step;
    if (position < 0 || position >= state.answers.length) return;
  }
}

const open = () => [...state.answers.keys()].filter((i) => state.answers[i] === null && !unreadable.has(i));

// Show the next example without an answer, after a position and then from the start; return whether there is one.
async function showOpen(after) {
  for (;;) {
    const next = open().find((i) => i > after) ?? open()[0];
    if (next === undefined) return false;
    if (await attempt(next)) return true;
  }
}

function display(found) {
  shown = found.unreadable ? null : found;
  by("unreadable").hidden = !found.unreadable;
  by("unreadable").textContent = found.unreadable ?? "";
  by("curve").hidden = !found.curve;
  for (const id of ["picture", "zooming", "brightness"]) by(id).hidden = Boolean(found.curve || found.unreadable);
  const name = found.name.split("/").slice(-2).join("/");
  by("name").title = found.name;
  by("name").textContent = `${name}${found.curve ? "" : ` · frame ${found.frame}`} · ${now + 1} of ${state.answers.length}`;
  for (const box of boxes()) box.checked = state.answers[now]?.includes(box.value) ?? false;
  if (shown && !found.curve) viewer.show(now, 1, found, brightness.take(found));
  draw();
  described = describe();
  const next = open().filter((i) => i > now);
  frames.ahead(next.slice(0, AHEAD), { longest: viewer.longest, together: 1 });
}

let described = Promise.resolve(); // an answer must stay until the model's probabilities have come

async function describe() {
  const [position, answer] = [now, state.answers[now]];
  by("mine").textContent = answer === null ? "No answer yet" : `You ticked ${answer.length || "none"}`;
  by("secret").textContent = answer === null ? "The model's probabilities are shown after your answer." : "";
  const outputs = [...by("choices").querySelectorAll("output")];
  for (const output of outputs) output.textContent = "";
  if (answer === null) return;
  try {
    const { probabilities } = await api.judgement(position);
    if (position !== now) return;
    outputs.forEach((output, i) => (output.textContent = probabilities[i].toFixed(2)));
    by("secret").textContent = "Beside each answer: the model's probability.";
  } catch (error) {
    failed(error);
  }
}

async function refresh() {
  state = await api.state();
  const done = state.answers.filter((answer) => answer !== null).length;
  by("progress").textContent = `${done} of ${state.answers.length} answered`;
  by("person").textContent = state.person;
  by("files").textContent = `Written to ${state.table}. Model: ${state.model}.`;
  showAgreements(state.agreements);
  list("notices", "notices-section", state.notices);
}

const save = () =>
  guarded(async () => {
    if (!shown) return;
    const position = now;
    const { warning } = await api.tick(position, [...ticked()]);
    showProblem(warning);
    await refresh();
    by("last").textContent = `Saved: ${position + 1}.`;
    if (await showOpen(position)) return;
    by("last").textContent += " All that can be read are answered.";
    await attempt(position);
  }, 0);

const undo = () =>
  guarded(async () => {
    await described;
    const { position, warning } = await api.undo();
    showProblem(warning);
    await refresh();
    by("last").textContent = position === null ? "You have no answer to take back." : `Taken back: ${position + 1}.`;
    if (position !== null) await show(position);
  }, 0);

const move = (step) =>
  guarded(async () => {
    showProblem("");
    if (now + step >= 0 && now + step < state.answers.length) await show(now + step, step);
  });

function toggle(key) {
  const box = boxes()[LETTERS.indexOf(key)];
  if (!box) return false;
  box.checked = !box.checked;
  draw();
  return true;
}

const KEYS = {
  Enter: save,
  u: undo,
  ArrowLeft: () => move(-1),
  ArrowRight: () => move(1),
  "+": () => viewer.zoom(ZOOMED),
  "-": () => viewer.zoom(1 / ZOOMED),
  0: () => viewer.fit(),
};

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input[type=number], select")) return;
  if (event.key === "Enter" && event.target.closest("button")) return; // the button's own
  if (event.repeat && ["Enter", "u"].includes(event.key)) return;
  if (KEYS[event.key]) KEYS[event.key]();
  else if (!toggle(event.key)) return;
  event.preventDefault();
});
by("save").addEventListener("click", save);
by("undo").addEventListener("click", undo);
by("previous").addEventListener("click", () => move(-1));
by("next").addEventListener("click", () => move(1));
by("zoom-in").addEventListener("click", () => viewer.zoom(ZOOMED));
by("zoom-out").addEventListener("click", () => viewer.zoom(1 / ZOOMED));
by("zoom-fit").addEventListener("click", () => viewer.fit());
addEventListener("focus", () => waiting || refresh().then(describe).catch(failed));

await guarded(async () => {
  await refresh();
  makeChoices(state.names);
  if (!(await showOpen(-1))) await show(0);
});
document.documentElement.dataset.ready = "yes";
