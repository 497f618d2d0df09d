// The piano roll: what is visible of it is drawn anew whenever it moves.

const PIXELS_A_SECOND = 34;
const TOP = 18;
const DRUM_ROW = 7;
const GAP = 12;

export class Roll {
  #scroller;
  #canvas;
  #data = null;
  #playhead = 0;
  #rows = new Map(); // drum key -> row from the top of the drum lane
  #low = 0;
  #high = 0;
  #semitone = 5;
  onseek = () => {};

  constructor(element) {
    this.#scroller = element;
    this.#canvas = element.querySelector("canvas");
    element.addEventListener("scroll", () => this.draw(), { passive: true });
    new ResizeObserver(() => this.#layout()).observe(element);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
    this.#canvas.addEventListener("click", (event) => {
      if (this.#data) this.onseek((event.offsetX + element.scrollLeft) / this.#scale);
    });
  }

  get #scale() {
    return Math.max(PIXELS_A_SECOND, this.#scroller.clientWidth / Math.max(1, this.#data.seconds));
  }

  show(data) {
    this.#data = data;
    const pitches = data.parts.filter((p) => p.instrument !== "drums").flatMap((p) => p.events.map((e) => e[2]));
    const keys = data.parts.filter((p) => p.instrument === "drums").flatMap((p) => p.events.map((e) => e[2]));
    this.#low = pitches.length ? Math.min(...new Set(pitches)) - 2 : 60;
    this.#high = pitches.length ? Math.max(...new Set(pitches)) + 2 : 60;
    this.#semitone = Math.max(3, Math.min(6, 240 / Math.max(1, this.#high - this.#low)));
    const sorted = [...new Set(keys)].sort((a, b) => b - a);
    this.#rows = new Map(sorted.map((key, row) => [key, row]));
    this.#canvas.setAttribute(
      "aria-label",
      "Notes over time: " + data.parts.map((p) => `${p.name || p.instrument}, ${p.events.length} notes`).join("; "),
    );
    this.#layout();
  }

  get #pitchHeight() {
    return this.#semitone * (this.#high - this.#low);
  }

  #layout() {
    if (!this.#data) return;
    const height = TOP + this.#pitchHeight + (this.#rows.size ? GAP + this.#rows.size * DRUM_ROW : 0) + 6;
    this.#scroller.firstElementChild.style.width = `${Math.ceil(this.#data.seconds * this.#scale)}px`;
    this.#scroller.style.height = `${height + 14}px`;
    const ratio = devicePixelRatio || 1;
    this.#canvas.width = Math.round(this.#scroller.clientWidth * ratio);
    this.#canvas.height = Math.round(height * ratio);
    this.#canvas.style.width = `${this.#scroller.clientWidth}px`;
    this.#canvas.style.height = `${height}px`;
    this.draw();
  }

  /** Move the playhead; while the music plays, the page turns with it. */
  at(seconds, follow) {
    if (seconds === this.#playhead) return;
    this.#playhead = seconds;
    if (follow && this.#data) {
      const x = seconds * this.#scale - this.#scroller.scrollLeft;
      const width = this.#scroller.clientWidth;
      if (x < 0 || x > width - 30) this.#scroller.scrollLeft = seconds * this.#scale - 60;
    }
    this.draw();
  }

  draw() {
    if (!this.#data) return;
    const pen = this.#canvas.getContext("2d");
    const ratio = devicePixelRatio || 1;
    const style = getComputedStyle(this.#scroller);
    const colour = (name) => style.getPropertyValue(`--${name}`).trim();
    const [left, width, height] = [this.#scroller.scrollLeft, this.#scroller.clientWidth, this.#canvas.height / ratio];
    const scale = this.#scale;
    const x = (seconds) => seconds * scale - left;
    const drumTop = TOP + this.#pitchHeight + GAP;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);

    pen.fillStyle = colour("lane");
    for (let pitch = this.#low; pitch < this.#high; pitch++)
      if ([1, 3, 6, 8, 10].includes(pitch % 12))
        pen.fillRect(0, TOP + (this.#high - pitch - 1) * this.#semitone, width, this.#semitone);
    if (this.#rows.size) pen.fillRect(0, drumTop - 2, width, this.#rows.size * DRUM_ROW + 4);

    pen.font = "11px system-ui, sans-serif";
    let lastLabel = -100;
    for (const bar of this.#data.bars) {
      const here = x(bar.start);
      if (here < -60 || here > width) continue;
      pen.fillStyle = colour("line");
      pen.fillRect(Math.round(here), TOP - 4, 1, height);
      if (here - lastLabel > 34) {
        pen.fillStyle = colour("grey");
        pen.fillText(bar.number, here + 3, 11);
        lastLabel = here;
      }
    }

    const order = { given: 0, kept: 1, new: 2 };
    for (const part of [...this.#data.parts].sort((a, b) => order[a.origin] - order[b.origin])) {
      const drums = part.instrument === "drums";
      pen.fillStyle = part.origin === "given" ? colour("given") : colour(part.instrument);
      for (const [start, end, pitch, velocity] of part.events) {
        if (x(end) < 0 || x(start) > width) continue;
        pen.globalAlpha = (part.origin === "kept" ? 0.55 : 1) * (0.55 + (0.45 * velocity) / 127);
        if (drums) {
          pen.beginPath();
          pen.arc(x(start) + 2, drumTop + (this.#rows.get(pitch) + 0.5) * DRUM_ROW, 2.6, 0, 7);
          pen.fill();
        } else {
          const top = TOP + (this.#high - pitch - 1) * this.#semitone;
          pen.beginPath();
          pen.roundRect(x(start), top, Math.max(2, (end - start) * scale - 1), this.#semitone - 0.5, 2);
          pen.fill();
        }
      }
    }
    pen.globalAlpha = 1;
    pen.fillStyle = colour("ink");
    pen.fillRect(x(this.#playhead) - 0.75, TOP - 6, 1.5, height);
  }
}
