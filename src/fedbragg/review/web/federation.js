// The state of a federation, requested repeatedly.

import * as api from "./api.js";
import { styleOf } from "./curve.js";
import { size } from "./sizes.js";

const by = (id) => document.getElementById(id);
const PAUSE = 2000; // milliseconds from an answer to the next request
const [LEFT, FOOT] = [48, 26]; // screen pixels

let last = null;

const dash = (value, digits) => (value === null || value === undefined ? "–" : digits === undefined ? String(value) : value.toFixed(digits));

function headline({ state, federation, problem, barrier, barriers, version, time, ended }) {
  if (state === "none") return "No federation has been started";
  const start = `${federation}: ${state}`;
  if (barrier === undefined) return problem ? `${start}: ${problem}` : start;
  return `${start}, barrier ${barrier} of ${barriers}, version ${version}, ${Math.round(time)} s${ended ? `, ended: ${ended}` : ""}`;
}

const cellsOf = (site, weights, networks) => [
  site.site, networks[site.site] ?? "–", site.doing, site.silent === null ? "never" : `${Math.round(site.silent)} s ago`, dash(site.version),
  dash(site.loss, 3), dash(weights[site.site], 3), dash(site.samples), size(site.sent), size(site.received),
];

// Networks are shown where they differ.
function sitesTable({ sites, weights = {}, networks = {} }) {
  by("sites").classList.toggle("alike", new Set(Object.values(networks)).size < 2);
  by("sites").tBodies[0].replaceChildren(...sites.map((site) => row(cellsOf(site, weights, networks))));
}

function row(cells) {
  const line = document.createElement("tr");
  line.append(...cells.map((text) => Object.assign(document.createElement("td"), { textContent: text })));
  return line;
}

function show(status) {
  by("headline").textContent = headline(status);
  by("problem").hidden = !status.unreachable;
  by("problem").textContent = status.unreachable ? `${status.unreachable} What is shown is from before.` : "";
  sitesTable(status);
  const problems = status.sites.filter((site) => site.problem);
  by("problems").replaceChildren(
    ...problems.map(({ site, problem }) => Object.assign(document.createElement("li"), { textContent: `${site}: ${problem}` })),
  );
  last = status;
  draw();
}

// A line and a legend entry for each site; sites differ in dashes too, not by colour only.
function draw() {
  const losses = Object.entries(last?.losses ?? {});
  const canvas = by("losses");
  const dots = window.devicePixelRatio || 1;
  canvas.width = Math.max(1, Math.round(canvas.clientWidth * dots));
  canvas.height = Math.max(1, Math.round(canvas.clientHeight * dots));
  const context = canvas.getContext("2d");
  context.scale(dots, dots);
  context.font = "12px system-ui, sans-serif";
  const points = losses.flatMap(([, line]) => line);
  const most = points.reduce((top, [, loss]) => Math.max(top, loss), 0) || 1;
  const lastBarrier = points.reduce((top, [barrier]) => Math.max(top, barrier), 1);
  const [width, height] = [canvas.width / dots, canvas.height / dots];
  const x = (barrier) => LEFT + ((barrier - 1) / Math.max(1, lastBarrier - 1)) * (width - LEFT - 20);
  const y = (loss) => height - FOOT - (loss / most) * (height - FOOT - 14);
  context.fillStyle = "#1c2733";
  context.textBaseline = "middle";
  for (const share of [0, 0.5, 1]) context.fillText((share * most).toPrecision(3), 2, y(share * most));
  context.fillText("barrier 1", LEFT, height - 9);
  context.textAlign = "right";
  if (lastBarrier > 1) context.fillText(String(lastBarrier), width - 12, height - 9);
  losses.forEach(([, line], number) => {
    const { colour, dashes } = styleOf(number);
    context.strokeStyle = context.fillStyle = colour;
    context.lineWidth = 1.8;
    context.setLineDash(dashes);
    context.beginPath();
    for (const [barrier, loss] of line) context.lineTo(x(barrier), y(loss));
    context.stroke();
    for (const [barrier, loss] of line) context.fillRect(x(barrier) - 2.5, y(loss) - 2.5, 5, 5);
  });
  by("legend").replaceChildren(...losses.map(([site], number) => entry(site, styleOf(number))));
}

function entry(site, { colour, dashes }) {
  const mark = Object.assign(document.createElement("canvas"), { width: 32, height: 10 });
  const context = mark.getContext("2d");
  context.strokeStyle = colour;
  context.lineWidth = 2;
  context.setLineDash(dashes);
  context.moveTo(0, 5);
  context.lineTo(32, 5);
  context.stroke();
  const label = document.createElement("span");
  label.append(mark, ` ${site}`);
  return label;
}

async function ask() {
  try {
    show(await api.state());
  } catch (error) {
    if (!(error instanceof api.Problem)) throw error;
    by("problem").hidden = false;
    by("problem").textContent = "The page's own server does not answer. Is fedbragg status --page still running?";
  }
  setTimeout(ask, PAUSE);
}

new ResizeObserver(draw).observe(by("losses"));
await ask();
document.documentElement.dataset.ready = "yes";
