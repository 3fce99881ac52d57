// Look at one frame after the other, and label them: the actions of keys and buttons.

import * as api from "./api.js";
import { AHEAD, Frames } from "./frames.js";
import { GridMap } from "./grid_map.js";
import { Queue } from "./queue.js";
import { NAMES, say, showFrame, showJudgement, showLast, showProblem, showState } from "./sidebar.js";

const MOST_WAITING = 3; // a key held down must not fill the queue
const by = (id) => document.getElementById(id);

export class Labelling {
  constructor(viewer, brightness, redraw) {
    this.viewer = viewer;
    this.brightness = brightness;
    this.redraw = redraw;
    this.frames = new Frames();
    this.judgements = new Map();
    this.playing = false;
    this.waiting = 0; // actions running or queued
    this.last = Promise.resolve();
  }

  async start() {
    await this.guarded(async () => {
      const [state, labels] = await Promise.all([api.state(), api.labels()]);
      this.state = state;
      this.queue = new Queue(state.frames);
      this.queue.labels = labels;
      showState(state);
      if (state.grid) this.openGrid(state.grid);
      if (state.scoring.screened) {
        by("order").value = "uncertain"; // a screened run opens sorted
        this.queue.setList(await api.order("uncertain"));
        showState(state);
      }
      await this.show(this.queue.upcoming(1, { fromStart: true })[0] ?? 0, 1);
    });
  }

  openGrid(grid) {
    by("grid-section").hidden = false;
    this.grid = new GridMap(by("grid"), by("grid-note"), grid, (frame) => this.jump(frame));
    this.refreshGrid();
  }

  async refreshGrid() {
    if (!this.grid) return;
    try {
      const levels = await api.levels();
      this.grid.show(this.queue.now ?? 0, this.queue.labels, levels);
    } catch (error) {
      this.failed(error);
    }
  }

  // How large pictures are, and how many frames are summed.
  get size() {
    return { longest: this.viewer.longest, together: by("summed").checked ? Number(by("together").value) : 1 };
  }

  // Show a frame wherever it is in the order.
  jump(frame) {
    return this.guarded(async () => {
      showProblem("");
      if (frame >= 0 && frame < this.queue.frames) await this.show(frame, 1);
      else say(`The run has frames 1 to ${this.queue.frames}.`);
    });
  }

  // Draw the current frame again, summed or not.
  again() {
    return this.guarded(() => this.show(this.queue.now, 1));
  }

  get busy() {
    return this.waiting > 0;
  }

  // Run one action after the other; errors are shown on the page. A label that comes while an action
  // runs is dropped, because it may be meant for the frame before.
  guarded(action, { patient = true } = {}) {
    if (this.waiting > (patient ? MOST_WAITING : 0)) return undefined;
    this.waiting++;
    this.last = this.last.then(action).catch((error) => this.failed(error)).finally(() => this.waiting--);
    return this.last;
  }

  failed(error) {
    if (!(error instanceof api.Problem)) throw error;
    showProblem(error.message);
  }

  // Show a frame; one that cannot be read is reported and skipped in the direction of the step.
  async show(frame, step) {
    let skipped = 0;
    let shown = frame;
    for (;;) {
      const picture = await this.frames.get(shown, this.size);
      this.queue.go(shown);
      if (!picture.unreadable) {
        this.display(shown, picture);
        return;
      }
      this.queue.unreadable.add(shown);
      showProblem(`${picture.unreadable} It is skipped and has no label.`);
      const next = this.queue.neighbour(step);
      if (next === undefined || ++skipped > this.queue.frames) {
        this.displayUnreadable(picture);
        return;
      }
      if (next.at !== undefined) this.queue.at = next.at;
      shown = next.frame;
    }
  }

  display(frame, picture) {
    by("unreadable").hidden = true;
    this.picture = picture;
    this.judgement = null;
    this.viewer.show(frame, this.size.together, picture, this.brightness.take(picture));
    this.describe();
    this.fetchGeometry(frame, picture);
    this.frames.ahead(this.following(), this.size);
  }

  displayUnreadable(picture) {
    this.picture = null;
    this.viewer.clear();
    by("unreadable").hidden = false;
    by("unreadable").textContent = picture.unreadable;
    showJudgement(null);
  }

  following() {
    const unlabelled = this.playing ? [] : this.queue.upcoming(AHEAD);
    return unlabelled.length ? unlabelled : this.queue.upcoming(AHEAD, { all: true });
  }

  // Text and marks of the current frame; its score only if it has a label.
  async describe() {
    const frame = this.queue.now;
    const code = this.queue.labels[frame];
    const place = this.queue.frames > 1 ? ` · ${frame + 1} of ${this.queue.frames}` : "";
    showFrame(this.picture, code, place);
    this.grid?.show(frame, this.queue.labels);
    let found = code ? this.judgements.get(frame) : null;
    try {
      if (code && !found) found = await api.judgement(frame);
    } catch (error) {
      this.failed(error);
      found = null;
    }
    if (frame !== this.queue.now) return;
    if (found) this.judgements.set(frame, found);
    this.judgement = found;
    showJudgement(found);
    this.redraw();
  }

  async fetchGeometry(frame, picture) {
    const shape = picture.shape.join();
    if (this.shape === shape) return;
    try {
      this.geometry = await api.geometry(frame);
      this.shape = shape;
      by("geometry-note").textContent = this.geometry.wavelength
        ? ""
        : "The file does not say where the detector stood, so there are no rings. A --geometry file may.";
      this.redraw();
      this.viewer.pointAgain(); // the resolution there is known now
    } catch (error) {
      this.failed(error);
    }
  }

  give(label) {
    return this.guarded(async () => {
      if (!this.picture) return;
      const frame = this.queue.now;
      const { name, frame: index } = this.picture;
      const answer = await api.give(frame, label); // on the disk from here on
      showProblem(answer.warning);
      this.queue.labels[frame] = NAMES.indexOf(label);
      this.judgements.set(frame, answer.judgement);
      showLast(name, index, label, answer.judgement);
      await this.refresh();
      if (by("advance").checked) await this.advance();
      else await this.describe();
    }, { patient: false });
  }

  async advance() {
    const fromStart = by("order").value === "uncertain";
    const [next] = this.queue.upcoming(1, { fromStart });
    if (next === undefined) {
      say(`${by("last").textContent} No frame of this order is without a label.`);
      await this.describe();
    } else {
      await this.show(next, 1);
    }
  }

  undo() {
    return this.guarded(async () => {
      const { name, position, warning } = await api.undo();
      showProblem(warning);
      say(name ? `Taken back: your label of ${name}.` : "You have no label to take back.");
      await this.refresh();
      if (position !== null) await this.show(position, 1);
    });
  }

  move(step) {
    return this.guarded(async () => {
      const next = this.queue.neighbour(step);
      if (next === undefined) {
        say(step > 0 ? "This is the last frame of this order." : "This is the first frame of this order.");
        return;
      }
      showProblem("");
      if (next.at !== undefined) this.queue.at = next.at;
      await this.show(next.frame, step);
    });
  }

  setOrder() {
    return this.guarded(async () => {
      showProblem("");
      this.queue.setList(await api.order(by("order").value));
      this.queue.trail = this.queue.trail.slice(this.queue.at, this.queue.at + 1);
      this.queue.at = this.queue.trail.length - 1;
      await this.refresh();
      const disputed = by("order").value === "disagreement";
      const next = disputed ? this.queue.list[0] : this.queue.upcoming(1, { fromStart: true })[0];
      if (next !== undefined) await this.show(next, 1);
    });
  }

  // Take in labels from other tabs, and the scores since the order was made.
  async refresh() {
    this.labelled?.(); // progress of teaching and of the promise
    const scoring = this.state.scoring.done;
    this.state = await api.state();
    this.queue.labels = await api.labels();
    showState(this.state);
    const order = by("order").value;
    if (order === "disagreement" || (order === "uncertain" && scoring < this.queue.frames)) {
      this.queue.setList(await api.order(order));
    }
  }

  // Another model judges from now on, so the old one's judgements are dropped.
  modelChanged(path) {
    return this.guarded(async () => {
      this.judgements.clear();
      say(`The page uses ${path} now. Its scores are computed again.`);
      await this.refresh();
      await this.describe();
    });
  }

  // Fetch the work of others; an action that begins meanwhile has newer data.
  async returned() {
    if (this.busy || !this.queue) return;
    try {
      const [state, labels] = [await api.state(), await api.labels()];
      if (this.busy) return;
      this.state = state;
      this.queue.labels = labels;
      showState(state);
      if (this.picture) await this.describe();
    } catch (error) {
      this.failed(error);
    }
  }
}
