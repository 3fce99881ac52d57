// Draw each state of the watch as the server sends it.

import { curve, histogram, spots } from "./charts.js";

const NONE = 255, HIGHEST = 200;
const byId = (name) => document.getElementById(name);
const whole = (number) => number.toLocaleString("en");
const percent = (share) => `${(100 * share).toFixed(1)} %`;
const level = (counts) => counts.toLocaleString("en", { maximumSignificantDigits: 2 });

function put(name, text) {
  if (byId(name).textContent !== text) byId(name).textContent = text;
}

function figure(name, number) {
  put(name, whole(number));
  byId(`${name}-box`).classList.toggle("wrong", number > 0);
}

function list(name, empty, texts) {
  const list = byId(name);
  if (list.dataset.shown === texts.join("\n")) return;
  list.dataset.shown = texts.join("\n");
  list.replaceChildren(...texts.map((text) => {
    const item = document.createElement("li");
    item.textContent = text;
    return item;
  }));
  byId(empty).hidden = texts.length > 0;
}

function hit(shown) {
  const item = document.createElement("li"), picture = document.createElement("figure");
  const image = document.createElement("img"), words = document.createElement("p");
  const score = shown.score === null ? "no score" : `score ${shown.score.toFixed(3)}`;
  image.src = `hits/${shown.id}.png`;
  image.alt = `Frame ${shown.name}`;
  [image.width, image.height] = shown.size;
  image.style.height = "auto";
  words.textContent = `${shown.name} · ${score} · ${shown.spots.length} spots`;
  picture.append(image, spots(shown.size, shown.spots));
  item.append(picture, words);
  item.dataset.id = shown.id;
  return item;
}

function drawHits(state) {
  const list = byId("hits"), there = new Map([...list.children].map((item) => [item.dataset.id, item]));
  const order = state.hits.map((shown) => there.get(String(shown.id)) ?? hit(shown));
  if (order.some((item, place) => list.children[place] !== item)) list.replaceChildren(...order);
  byId("no-hits").hidden = order.length > 0;
  put("hits-title", state.skipped === null ? "Latest hits" : "Latest frames");
}

async function drawMap([rows, columns]) {
  const answer = await fetch("map");
  const codes = new Uint8Array(await answer.arrayBuffer()), canvas = byId("map");
  canvas.width = columns;
  canvas.height = rows;
  const image = new ImageData(columns, rows);
  codes.forEach((code, place) => {
    const share = code / HIGHEST;
    const colour = code === NONE ? [216, 210, 200]
      : [238 + share * (11 - 238), 243 + share * (95 - 243), 247 + share * (174 - 247)];
    image.data.set([...colour, 255], 4 * place);
  });
  canvas.getContext("2d").putImageData(image, 0, 0);
  canvas.dataset.scored = codes.filter((code) => code !== NONE).length;
}

function draw(state) {
  put("series", state.series || `Waiting for a series from ${state.source} …`);
  put("hit-rate", state.hit_rate === null ? "–" : percent(state.hit_rate));
  put("frames", whole(state.frames));
  put("kept", whole(state.kept));
  put("rate", state.rate.toFixed(1));
  put("lag", state.lag < 1 ? `${Math.round(1000 * state.lag)} ms` : `${state.lag.toFixed(1)} s`);
  put("queue", `${state.queue[0]} of ${state.queue[1]}`);
  for (const name of ["missing", "unscored", "unreadable"]) figure(name, state[name]);
  byId("skipped-box").hidden = state.skipped === null;
  put("skipped", whole(state.skipped ?? 0));
  byId("drift").hidden = !state.drift;
  put("drift", state.drift ? `Drift: ${state.drift}. The promise does not hold.` : "");
  byId("histogram").replaceChildren(histogram(state.histogram, state.limit));
  byId("curve").replaceChildren(curve(state.curves.hit_rate, 1, percent, "Hit rate"));
  byId("background").replaceChildren(
    curve(state.curves.background, null, level, "Counts a pixel"));
  drawHits(state);
  list("over", "none-over", state.over.map((series) =>
    `${series.name}: ${whole(series.frames)} frames, ${whole(series.kept)} kept${series.complete ? "" : ", not complete"}`));
  list("lines", "no-lines", state.lines);
  put("promise", state.promise);
  byId("map-box").hidden = state.grid === null;
}

let mapped = -1;
const events = new EventSource("events");
events.onmessage = (event) => {
  const state = JSON.parse(event.data);
  draw(state);
  if (state.grid && mapped !== state.frames) {
    mapped = state.frames;
    drawMap(state.grid);
  }
  if (state.ended) events.close();
  byId("state").className = "";
  put("state", state.ended ? "the watch has ended" : `live from ${state.source}`);
  document.documentElement.dataset.frames = state.frames;
};
events.onerror = () => {
  byId("state").className = "away";
  put("state", "the watch does not answer");
};
byId("marks").onchange = (event) => byId("hits").classList.toggle("unmarked", !event.target.checked);
