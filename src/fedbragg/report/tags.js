"use strict";
// Filters and orders the images of a run. All texts of the data are set as text, never as HTML.
(() => {
  const BATCH = 120; // cards added at a time
  const byId = (id) => document.getElementById(id);
  const data = JSON.parse(byId("tags-data").textContent);
  const chosen = data.tags.map(() => new Set()); // for each tag the states that pass; empty: all pass
  let matching = [];
  let cards = 0; // of them on the page
  let open = -1; // position in matching of the enlarged image

  const make = (name, text = "", kind = "") => {
    const element = document.createElement(name);
    element.textContent = text;
    if (kind) element.className = kind;
    return element;
  };
  const stateOf = (p) => (p >= data.present ? 0 : p > data.absent ? 1 : 2);
  const doubt = (image, i) => Math.abs(image.probabilities[i] - data.threshold);
  const source = (image) => `data:image/jpeg;base64,${image.jpeg}`;
  const address = (image) => `${image.path}:${image.frame}`;
  const title = (image) => `${image.path.split("/").pop()} frame ${image.frame}`;
  const present = (image) => data.tags.filter((_, i) => stateOf(image.probabilities[i]) === 0);

  const orders = {
    time: () => 0,
    there: (a, b, i) => b.probabilities[i] - a.probabilities[i],
    uncertain: (a, b, i) => doubt(a, i) - doubt(b, i),
    absent: (a, b, i) => a.probabilities[i] - b.probabilities[i],
  };

  function update() {
    const by = Number(byId("by").value);
    const compare = orders[byId("order").value];
    matching = data.images
      .filter((image) => chosen.every((s, i) => s.size === 0 || s.has(stateOf(image.probabilities[i]))))
      .sort((a, b) => compare(a, b, by) || a.position - b.position);
    byId("cards").replaceChildren();
    cards = 0;
    addCards();
    const filtered = chosen.filter((states) => states.size > 0).length;
    byId("status").textContent = matching.length === 0
      ? "No image on this page passes; choose fewer tags, or Show all."
      : `${matching.length} of the ${data.images.length} images on this page`;
    byId("reset").disabled = filtered === 0 && byId("order").value === "time";
    byId("filters").querySelector("summary").textContent =
      filtered === 0 ? "Filter by tag" : `Filter by tag (${filtered} in use)`;
  }

  function addCards() {
    const end = Math.min(cards + BATCH, matching.length);
    const added = document.createDocumentFragment();
    for (; cards < end; cards++) added.append(card(matching[cards], cards));
    byId("cards").append(added);
    byId("more").hidden = cards === matching.length;
    byId("more").textContent = `Show more (${matching.length - cards} left)`;
  }

  function card(image, at) {
    const button = make("button");
    button.type = "button";
    button.addEventListener("click", () => enlarge(at));
    const picture = make("img");
    picture.src = source(image);
    picture.alt = "";
    picture.decoding = "async";
    const frame = make("span", "", "frame");
    frame.append(picture);
    const by = Number(byId("by").value);
    const shown = byId("order").value === "time"
      ? present(image).join(", ") || "no tag"
      : `${data.tags[by]} ${image.probabilities[by].toFixed(3)} ${data.signs[stateOf(image.probabilities[by])]}`;
    button.append(frame, make("span", title(image)), make("span", shown, "shown"));
    const item = make("li");
    item.append(button);
    return item;
  }

  function enlarge(at) {
    open = at;
    const image = matching[at];
    byId("large-name").textContent = title(image);
    byId("large-picture").src = source(image);
    byId("large-picture").alt = `${title(image)}: ${present(image).join(", ") || "no tag"}`;
    const share = (100 * image.unmeasured).toFixed(image.unmeasured < 0.1 ? 1 : 0);
    byId("large-caption").textContent =
      `Image ${image.position + 1} of the run's ${data.total}. ${share} % of its area was not measured.`;
    byId("address").value = address(image);
    byId("copied").textContent = "";
    byId("bars").tBodies[0].replaceChildren(...data.tags.map((tag, i) => bar(tag, image.probabilities[i])));
    byId("place").textContent = `${at + 1} of ${matching.length}`;
    byId("previous").disabled = at === 0;
    byId("next").disabled = at === matching.length - 1;
    if (!byId("large").open) byId("large").showModal();
  }

  function bar(tag, probability) {
    const row = make("tr");
    const state = stateOf(probability);
    row.dataset.state = state;
    const head = make("th", tag);
    head.scope = "row";
    const track = make("td", "", "track");
    const whole = make("div");
    const part = make("div");
    part.style.width = `${100 * probability}%`;
    whole.append(part);
    track.append(whole);
    row.append(head, track, make("td", probability.toFixed(3)), make("td", `${data.signs[state]} ${data.states[state]}`));
    return row;
  }

  function move(step) {
    const at = open + step;
    if (at < 0 || at >= matching.length) return;
    while (at >= cards) addCards();
    enlarge(at);
  }

  async function copy() {
    byId("address").select();
    try {
      await navigator.clipboard.writeText(byId("address").value);
    } catch {
      document.execCommand("copy"); // where the page may not use the clipboard otherwise
    }
    byId("copied").textContent = "Copied";
  }

  // Arrow keys move between cards as they lie on the page.
  function walk(event) {
    const buttons = [...byId("cards").querySelectorAll("button")];
    const at = buttons.indexOf(document.activeElement);
    if (at < 0) return;
    const columns = getComputedStyle(byId("cards")).gridTemplateColumns.split(" ").length;
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[event.key];
    if (step === undefined || buttons[at + step] === undefined) return;
    event.preventDefault();
    buttons[at + step].focus();
  }

  for (const button of byId("filters").querySelectorAll("button")) {
    button.addEventListener("click", () => {
      const states = chosen[Number(button.dataset.tag)];
      const state = Number(button.dataset.state);
      if (!states.delete(state)) states.add(state);
      button.setAttribute("aria-pressed", String(states.has(state)));
      update();
    });
  }
  byId("order").addEventListener("change", update);
  byId("by").addEventListener("change", () => {
    if (byId("order").value === "time") byId("order").value = "there";
    update();
  });
  byId("reset").addEventListener("click", () => {
    chosen.forEach((states) => states.clear());
    byId("filters").querySelectorAll("button").forEach((b) => b.setAttribute("aria-pressed", "false"));
    byId("order").value = "time";
    update();
  });
  byId("more").addEventListener("click", () => {
    const first = cards;
    addCards();
    byId("cards").children[first].firstChild.focus();
  });
  byId("cards").addEventListener("keydown", walk);
  byId("close").addEventListener("click", () => byId("large").close());
  byId("previous").addEventListener("click", () => move(-1));
  byId("next").addEventListener("click", () => move(1));
  byId("copy").addEventListener("click", copy);
  byId("large").addEventListener("keydown", (event) => {
    if (event.target === byId("address")) return;
    if (event.key === "ArrowLeft") move(-1);
    if (event.key === "ArrowRight") move(1);
  });
  byId("large").addEventListener("click", (event) => {
    if (event.target === byId("large")) byId("large").close(); // on the backdrop
  });
  byId("large").addEventListener("close", () => byId("cards").children[open]?.firstChild.focus());
  if (window.matchMedia("(max-width: 900px)").matches) byId("filters").open = false;
  update();
})();
