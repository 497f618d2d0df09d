// The engraved score: written parts in the page's colours, the bar that sounds on a soft ground.

const SVG = "http://www.w3.org/2000/svg";
const COLOURS = { "#1457c8": "bass", "#c3124f": "drums", "#ef7d00": "guitar", "#12885a": "other" };

export class Score {
  #element;
  #measures = [];
  #grounds = new Map();
  #bars = [];
  #bar = -1;
  onseek = () => {};

  constructor(element) {
    this.#element = element;
    element.addEventListener("click", (event) => {
      // between its lines a measure is not hit, but meant
      const place = this.#measures.findIndex((measure) => {
        const box = measure.getBoundingClientRect();
        return box.left <= event.clientX && event.clientX < box.right && box.top <= event.clientY && event.clientY < box.bottom;
      });
      const bar = this.#bars.find((each) => each.measure === place);
      if (bar) this.onseek(bar.start);
    });
  }

  show(pages, bars) {
    const parser = new DOMParser();
    const drawn = pages.map((page) => document.importNode(parser.parseFromString(page, "image/svg+xml").documentElement, true));
    for (const page of drawn) {
      page.setAttribute("role", "img");
      page.setAttribute("aria-label", "Score");
      for (const [colour, name] of Object.entries(COLOURS))
        for (const part of page.querySelectorAll(`[color="${colour}"], [fill="${colour}"]`)) {
          part.classList.add("written", name);
          part.removeAttribute("color");
          part.removeAttribute("fill");
        }
      // what belongs to several notes, such as the stem of a chord, has no colour of its own
      for (const group of page.querySelectorAll("g.chord, g.beam")) {
        const notes = [...group.querySelectorAll("g.note")];
        if (notes.length && notes.every((note) => note.classList.contains("written")))
          group.classList.add(...[...notes[0].classList].filter((name) => name !== "note"));
      }
    }
    this.#element.replaceChildren(...drawn);
    this.#measures = [...this.#element.querySelectorAll("g.measure")];
    this.#grounds.clear();
    this.#bars = bars;
    this.#bar = -1;
    const first = this.#element.querySelector("g.staff .written")?.closest("g.measure");
    if (first && this.#element.scrollTop === 0) this.#reveal(first, "instant");
  }

  clear() {
    this.#element.replaceChildren();
    this.#measures = [];
  }

  at(seconds, follow) {
    let bar = -1;
    while ((seconds > 0 || follow) && bar + 1 < this.#bars.length && this.#bars[bar + 1].start <= seconds + 0.01) bar++;
    if (bar === this.#bar) return;
    this.#ground(this.#bar)?.remove();
    this.#bar = bar;
    const ground = this.#ground(bar);
    if (!ground) return;
    const measure = this.#measures[this.#bars[bar].measure];
    measure.prepend(ground);
    if (follow) this.#reveal(measure, "smooth");
  }

  /** Scroll to a measure; where it is higher than the window, to the new part in it. */
  #reveal(measure, behavior) {
    const frame = this.#element.getBoundingClientRect();
    let box = measure.getBoundingClientRect();
    const staff = measure.querySelector(".written")?.closest("g.staff");
    if (staff && box.height > frame.height) box = staff.getBoundingClientRect();
    if (box.top >= frame.top && box.bottom <= frame.bottom) return;
    const above = Math.max(20, (frame.height - box.height) / 2);
    this.#element.scrollTo({ top: this.#element.scrollTop + box.top - frame.top - above, behavior });
  }

  #ground(bar) {
    const place = this.#bars[bar]?.measure;
    const measure = this.#measures[place];
    if (!measure) return null;
    if (!this.#grounds.has(place)) {
      const box = measure.getBBox();
      const ground = document.createElementNS(SVG, "rect");
      for (const side of ["x", "y", "width", "height"]) ground.setAttribute(side, box[side]);
      ground.setAttribute("class", "ground");
      this.#grounds.set(place, ground);
    }
    return this.#grounds.get(place);
  }
}
