// Teaching: the model adapted to the labels so far, whether it improved, and the distance from the promise.

import * as api from "./api.js";

const by = (id) => document.getElementById(id);
const LOOKS = 500; // milliseconds between requests for the progress of a training
const MOST_STRETCHES = 4; // listed one by one

export class Teach {
  constructor(failed, taken) {
    this.failed = failed;
    this.taken = taken;
    for (const [id, name] of [["teach", "start"], ["teach-stop", "stop"], ["teach-keep", "stop"]]) {
      by(id).addEventListener("click", () => this.change(name));
    }
    by("teach-take").addEventListener("click", () => this.take());
    by("random-table").addEventListener("click", () => this.writeTable());
  }

  // Ask the server and show its answer; errors are shown with the other problems.
  async ask(request) {
    try {
      const state = await request();
      this.show(state);
      return state;
    } catch (error) {
      this.failed(error);
      return null;
    }
  }

  refresh() {
    return this.ask(api.teaching);
  }

  change(name) {
    return this.ask(() => api.change(name));
  }

  async take() {
    const state = await this.change("accept");
    if (state) await this.taken(state.written);
  }

  async writeTable() {
    try {
      const { command } = await api.change("random-table");
      by("calibrate").textContent = `Written. Next: ${command}`;
    } catch (error) {
      this.failed(error);
    }
  }

  show(state) {
    by("teach-note").textContent = note(state);
    by("teach").disabled = state.status === "running" || state.lacking !== "";
    by("teach-progress").hidden = state.status !== "running";
    by("teach-stage").textContent = `${state.stage} …`;
    const bar = by("teach-bar");
    if (state.total) Object.assign(bar, { max: state.total, value: state.done });
    else bar.removeAttribute("value");
    by("teach-result").hidden = state.status !== "done";
    if (state.status === "done") showResult(state.result);
    by("promise").textContent = promise(state.promise);
    by("random-table").disabled = state.promise.frames === 0;
    clearTimeout(this.waiting);
    if (state.status === "running") this.waiting = setTimeout(() => this.refresh(), LOOKS);
  }
}

function note({ status, problem, lacking, teaching, judging, stretches }) {
  if (status === "failed") return `Teaching failed. ${problem}`;
  const named = stretches.slice(0, MOST_STRETCHES).map(([start, stop]) => `${start + 1}–${stop}`).join(", ");
  const more = stretches.length > MOST_STRETCHES ? " …" : "";
  const parts = `${teaching} labels teach; ${judging} only judge: those of frames ${named}${more}.`;
  return lacking ? `The labels do not suffice yet. ${lacking} ${parts}` : parts;
}

const interval = ({ value, low, high }) =>
  value === null ? "not defined" : `${value.toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}]`;

function verdict({ gain, taught, held_out: heldOut }) {
  const on = `${taught} labels taught, ${heldOut} judged. AUC`;
  if (gain.value === null) return `${on}: the difference cannot be tested.`;
  const sign = (number) => `${number < 0 ? "−" : "+"}${Math.abs(number).toFixed(3)}`;
  const found = `${on} ${sign(gain.value)} [${sign(gain.low)}, ${sign(gain.high)}]`;
  if (gain.low > 0) return `${found}: better.`;
  if (gain.high < 0) return `${found}: worse.`;
  return `${found}: no difference is shown.`;
}

function showResult(result) {
  by("teach-verdict").textContent = verdict(result);
  const { before, after, decisions_before: old, decisions_after: fresh } = result;
  const rows = [
    ["AUC", interval(before), interval(after)],
    ["hits kept", old.true_positive, fresh.true_positive],
    ["hits lost", old.false_negative, fresh.false_negative],
    ["misses kept", old.false_positive, fresh.false_positive],
    ["misses dropped", old.true_negative, fresh.true_negative],
  ];
  by("teach-table").tBodies[0].replaceChildren(
    ...rows.map((cells) => {
      const row = document.createElement("tr");
      row.append(...cells.map((text) => Object.assign(document.createElement("td"), { textContent: text })));
      return row;
    }),
  );
}

function promise({ demand, needed, frames, hits, left_out: leftOut, more_frames: more }) {
  const left = leftOut
    ? ` ${leftOut} other labels do not count for this: frames picked by uncertainty, or that taught the model, would bias the threshold.`
    : "";
  const so = `For “${demand}” calibrate needs ${needed} hits labelled at random. There are ${hits} among ${frames} such frames.`;
  if (hits >= needed) return `${so} That is enough.${left}`;
  const missing = ` ${needed - hits} more hits are needed`;
  const about = more ? `, about ${more[0]}–${more[1]} more frames.` : ".";
  return `${so}${missing}${about} Choose the order “at random”.${left}`;
}
