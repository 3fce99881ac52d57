// The text beside the frame: progress, the last label, the score once it may be seen, people, notices.

const by = (id) => document.getElementById(id);
export const NAMES = ["", "hit", "maybe", "miss"];
const COLOURS = ["", "#12633a", "#b37a00", "#64748b"];
const SHOWN_PEAKS = 6;

export function showState(state) {
  const { labelled, frames } = state;
  const done = labelled.hit + labelled.maybe + labelled.miss;
  by("progress").textContent = `${done} of ${frames} labelled`;
  by("tally").textContent = `${labelled.hit} hit · ${labelled.maybe} maybe · ${labelled.miss} miss`;
  by("person").textContent = state.person;
  by("bar").replaceChildren(
    ...[1, 2, 3].map((code) => {
      const part = document.createElement("div");
      part.style.width = `${(100 * labelled[NAMES[code]]) / frames}%`;
      part.style.background = COLOURS[code];
      return part;
    }),
  );
  by("files").textContent = `Written to ${state.table}. Model: ${state.model}.`;
  showAgreements(state.agreements);
  list("notices", "notices-section", state.notices);
  by("order").querySelector('[value="disagreement"]').textContent = `where people disagree (${state.disagreements})`;
  by("order-note").textContent = orderNote(by("order").value, state);
}

function orderNote(order, { scoring, frames, disagreements }) {
  if (order === "uncertain" && scoring.done < frames) return `Scored ${scoring.done} of ${frames} frames so far.`;
  if (order === "uncertain") return "Nearest to the threshold first. Do not calibrate on such labels alone.";
  if (order === "random") return "An unbiased sample: right for calibrating.";
  if (order === "disagreement" && disagreements === 0) return "Nobody disagrees.";
  return "";
}

function agreement([first, second, frames, kappa]) {
  const text = kappa === null ? "not defined" : kappa.toFixed(2);
  return `${first} and ${second}: κ ${text} on ${frames} frame${frames === 1 ? "" : "s"}`;
}

export function showAgreements(agreements) {
  list("people", "people-section", agreements.map(agreement));
}

export function list(id, section, lines) {
  by(section).hidden = lines.length === 0;
  by(id).replaceChildren(...lines.map((line) => Object.assign(document.createElement("li"), { textContent: line })));
}

// A file's name with its folder's; the whole path is in the title.
const short = (name) => name.split("/").slice(-2).join("/");

export function showFrame({ name, frame, positions }, code, place) {
  by("name").title = name;
  by("sum-note").textContent = positions.length > 1 ? sumOf(positions) : "";
  by("name").textContent = `${short(name)} · frame ${frame}${place}`;
  by("mine").textContent = code ? `Your label: ${NAMES[code]}` : "No label yet";
  for (const button of document.querySelectorAll(".buttons button")) {
    button.setAttribute("aria-pressed", String(button.dataset.label === NAMES[code]));
  }
}

// Which frames are in the picture, counted from 1 as above it; some of a stretch may be missing.
function sumOf(positions) {
  const [first, last] = [positions[0] + 1, positions[positions.length - 1] + 1];
  const left = last - first + 1 - positions.length;
  const without = left ? `, without ${left} that cannot be read or have another shape` : "";
  return `Sum of frames ${first}–${last}${without}. The label is for the one frame.`;
}

// The reason for the frame's score; null while it is secret.
export function showJudgement(found) {
  by("peaks").hidden = !found || found.peaks.length === 0;
  if (!found) {
    by("score").textContent = "Shown after your label, so that it cannot influence you.";
    return;
  }
  by("score").textContent = why(found);
  by("peaks").tBodies[0].replaceChildren(
    ...found.peaks.slice(0, SHOWN_PEAKS).map((peak) => {
      const row = document.createElement("tr");
      const cells = [peak.row, peak.column, Math.round(peak.counts), peak.sigma.toFixed(0), peak.probability.toFixed(2)];
      row.append(...cells.map((text) => Object.assign(document.createElement("td"), { textContent: text })));
      return row;
    }),
  );
}

function why(found) {
  const decision = found.keep ? "kept" : "dropped";
  const sign = found.keep ? "≥" : "<";
  const reach = found.resolution === null ? "" : `, to ${found.resolution} Å`;
  const level = found.background === null ? "" : ` Background: ${Number(found.background.toPrecision(2))} counts a pixel.`;
  return (
    `${found.score.toFixed(3)} ${sign} ${Number(found.threshold.toPrecision(3))}, the threshold: ${decision}. ` +
    `Spots: ${found.spots} of ${found.candidates} significant peaks${reach}. More spots, a higher score.${level}`
  );
}

export function showLast(name, frame, label, found) {
  const agrees = (label !== "miss") === found.keep;
  by("last").textContent =
    `${short(name)} frame ${frame}: you said ${label}; the model's score is ${found.score.toFixed(2)}, ${agrees ? "which agrees" : "which does not agree"}.`;
}

export function say(text) {
  by("last").textContent = text;
}

export function showProblem(text) {
  by("problem").hidden = !text;
  by("problem").textContent = text;
}
