// The buttons over the music, and where it stands.

import { Player } from "./player.js";
import { $, minutes } from "./words.js";

export class Transport {
  #player = new Player();
  #moved;
  #load = 0;

  /** Call `moved` with the seconds and whether it plays, each time the music is elsewhere. */
  constructor(moved) {
    this.#moved = moved;
    this.#player.onchange = () => this.#changed();
    $("play").addEventListener("click", () => this.#toggle());
    $("stop").addEventListener("click", () => this.stop());
    $("position").addEventListener("input", (event) => this.seek(Number(event.target.value)));
    $("mix").addEventListener("change", (event) => this.#player.setMix(event.target.value));
    addEventListener("keydown", (event) => {
      const typing = event.target.closest("input, button, a, summary, select, textarea");
      if (event.code !== "Space" || typing || $("play").disabled) return;
      event.preventDefault();
      this.#toggle();
    });
    this.#changed();
  }

  /** Make one sound, or the rest of the music and its new part, ready to be played. */
  async load(urls, seconds) {
    const turn = ++this.#load;
    $("position").max = Math.max(seconds, this.#player.position);
    $("length").textContent = minutes(seconds);
    $("mix").disabled = urls.length === 1;
    $("sound-words").textContent = "Preparing the sound…";
    let words = "";
    try {
      await this.#player.load(urls);
    } catch (error) {
      words = error.message;
    }
    if (turn === this.#load) $("sound-words").textContent = words;
  }

  seek(seconds) {
    return this.#player.seek(seconds);
  }

  stop() {
    this.#player.stop();
  }

  #toggle() {
    return this.#player.state === "playing" ? this.#player.pause() : this.#player.play();
  }

  #changed() {
    const { state, duration } = this.#player;
    document.body.dataset.player = state;
    $("play").setAttribute("aria-label", state === "playing" ? "Pause" : "Play");
    $("play").disabled = $("stop").disabled = !["ready", "playing"].includes(state);
    if (duration) $("position").max = duration;
    requestAnimationFrame(() => this.#show());
  }

  #show() {
    const seconds = this.#player.position;
    const playing = this.#player.state === "playing";
    $("position").value = seconds;
    $("position").setAttribute("aria-valuetext", minutes(seconds));
    $("time").textContent = minutes(seconds);
    this.#moved(seconds, playing);
    if (playing) requestAnimationFrame(() => this.#show());
  }
}
