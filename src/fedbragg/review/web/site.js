// A site's own page, drawn anew whenever its state changes.

import { size } from "./sizes.js";

const by = (id) => document.getElementById(id);
const ROWS = 200;
const exact = (number) => number.toLocaleString("en");

let leaving = false;
let ended = false;

const put = (id, text) => {
  if (by(id).textContent !== text) by(id).textContent = text;
};

function problem(id, text) {
  by(id).hidden = !text;
  put(id, text);
}

function element(tag, text, more = {}) {
  return Object.assign(document.createElement(tag), { textContent: text, ...more });
}

function row(cells, words = []) {
  const line = document.createElement("tr");
  line.append(...cells.map((text, column) => element("td", text, { className: words.includes(column) ? "word" : "" })));
  return line;
}

const bytesOf = ({ text, document }) =>
  document ? `${exact(document)} + a few hundred` : text === null ? "known when sent" : `about ${exact(text)}`;

function drawAhead({ messages, tensors_known: known, unknown, federation, sent }) {
  const large = messages.find((message) => message.document);
  const last = large && sent[large.topic] > large.document ? `, ${exact(sent[large.topic] - large.document)} in the last one` : "";
  const sentence = large
    ? `Each round: ${large.tensors.length} tensors in ${exact(large.document)} bytes, and the other fields in a few hundred bytes${last}${large.more ? `; ${large.more}` : ""}.`
    : federation
      ? "The size of an update is shown once the model has arrived."
      : "Without a federation only polls leave. Fields and sizes of an update are shown when one starts, before this site trains.";
  put("ahead", unknown || sentence);
  by("messages").tBodies[0].replaceChildren(
    ...messages.map((message) => row([message.topic, message.when, message.fields.join(", ") || "none", bytesOf(message)])),
  );
  by("tensors-box").hidden = !known || !large;
  if (!large) return;
  put("tensors-title", `The ${large.tensors.length} tensors of each ${large.topic}`);
  by("tensors").tBodies[0].replaceChildren(
    ...large.tensors.map(({ name, dtype, shape, nbytes }) => row([name, dtype, shape.join(" × ") || "one number", exact(nbytes)], [0])),
  );
}

function drawRules(id, rules) {
  by(id).replaceChildren(...rules.flatMap(([name, value]) => [element("dt", name), element("dd", value)]));
}

function drawRecord({ totals, problems }, rows) {
  const count = totals.reduce((sum, [, [number]]) => sum + number, 0);
  const bytes = totals.reduce((sum, [, [, some]]) => sum + some, 0);
  const parts = totals.map(([topic, [number, some]]) => `${topic} ${exact(number)} (${size(some)})`);
  put("total", count ? `${exact(count)} messages, ${exact(bytes)} bytes: ${parts.join(", ")}.` : "Nothing yet.");
  by("total").dataset.bytes = bytes;
  by("damage").hidden = problems.length === 0;
  by("damage").replaceChildren(...problems.map((text) => element("li", text)));
  if (rows.some(({ epsilon }) => epsilon !== null)) showEpsilon();
  for (const entry of rows) by("rows").prepend(recordRow(entry));
  while (by("rows").rows.length > ROWS) by("rows").deleteRow(-1);
}

// The column shows once a line of the record holds an epsilon: without private training none does.
function showEpsilon() {
  by("sent").classList.remove("no-epsilon");
  by("epsilon-note").hidden = false;
}

const epsilonText = (epsilon) => (epsilon === null ? "–" : String(Number(epsilon.toPrecision(3))));

function recordRow({ time, version, epsilon, topic, fields, tensors, bytes, sha256, answered }) {
  const line = row([
    new Date(1000 * time).toLocaleString("sv"), version ?? "–", epsilonText(epsilon), answered === false ? `${topic}: no answer` : topic,
    fields ? fields.join(", ") || "none" : "–", tensors ?? "–", bytes === null ? "–" : exact(bytes),
  ], [3, 4]);
  line.cells[2].classList.add("epsilon");
  const hash = document.createElement("td");
  hash.className = "word";
  hash.append(element("code", `${sha256.slice(0, 10)}…`, { title: sha256 }));
  line.append(hash);
  Object.assign(line.dataset, { topic, sha256 });
  if (bytes !== null) line.dataset.bytes = bytes;
  return line;
}

let drawn = ""; // the data behind the table of messages

function draw(state) {
  put("site", state.site);
  put("doing", leaving && !state.ended ? "leaving …" : state.doing);
  put("where", `${state.federation ? `federation ${state.federation} at ` : ""}${state.server}`);
  by("why").className = state.refused ? "problem" : "note";
  problem("why", state.why);
  problem("trouble", state.ended ? "" : state.trouble);
  const basis = JSON.stringify([state.messages, state.unknown, state.federation, state.sent]);
  if (basis !== drawn) {
    drawn = basis;
    drawAhead(state);
    drawRules("site-rules", state.site_rules);
    drawRules("federation-rules", state.federation_rules);
    by("federation-box").hidden = state.federation_rules.length === 0;
  }
  drawRecord(state.record, state.rows);
  ended = state.ended;
  by("leave").disabled = leaving || ended;
}

async function leave() {
  by("sure").close();
  leaving = true;
  by("leave").disabled = true;
  put("doing", "leaving …");
  const answer = await fetch("leave", { method: "POST" }).catch(() => null);
  if (answer?.ok) return;
  leaving = false;
  by("leave").disabled = false;
  problem("trouble", "fedbragg join did not take the request to leave. Press Ctrl-C in its terminal.");
}

by("leave").onclick = () => by("sure").showModal();
by("stay").onclick = () => by("sure").close();
by("leave-now").onclick = leave;

const events = new EventSource("events");
events.onopen = () => by("rows").replaceChildren(); // every connection begins with the newest lines
events.onmessage = (event) => {
  draw(JSON.parse(event.data));
  document.documentElement.dataset.ready = "yes";
};
events.onerror = () => {
  by("leave").disabled = true;
  if (ended) return events.close();
  if (leaving) {
    put("doing", "fedbragg join has ended");
    return events.close();
  }
  problem("trouble", "fedbragg join does not answer. Is it still running?");
};
