// Play: one frame after the other in the current order, until its end or the next key.

const PAUSE = 200; // milliseconds from one frame to the next, at least

export class Player {
  constructor(labelling, button) {
    this.labelling = labelling;
    this.button = button;
    this.playing = false;
  }

  toggle() {
    if (this.playing) this.stop();
    else this.run();
  }

  stop() {
    this.set(false);
  }

  async run() {
    this.set(true);
    while (this.playing && this.labelling.queue.neighbour(1) !== undefined) {
      await Promise.all([this.labelling.move(1), new Promise((done) => setTimeout(done, PAUSE))]);
    }
    this.set(false);
  }

  set(playing) {
    this.playing = playing;
    this.labelling.playing = playing; // frames with a label are then fetched ahead too
    this.button.setAttribute("aria-pressed", String(playing));
    this.button.lastChild.textContent = playing ? " stop" : " play";
  }
}
