// Two sounds of one length, the music without its new part and that part alone, on one clock:
// with and without it is a matter of loudness, so the place in the music never moves.

const LOUDNESS = { with: [1, 1], without: [1, 0], only: [0, 1] };
const FADE_SECONDS = 0.015;
const loudness = (mix, count) => (count === 1 ? [1] : LOUDNESS[mix]);

export class Player {
  #context = null;
  #gains = [];
  #buffers = [];
  #sources = [];
  #began = 0; // of the context's clock, when second 0 of the music would have been heard
  #rest = 0; // where the music stands while it is silent
  #load = 0;
  mix = "with";
  state = "empty"; // empty, loading, ready, playing
  onchange = () => {};

  get duration() {
    return this.#buffers[0]?.duration ?? 0;
  }

  get position() {
    if (this.state !== "playing") return this.#rest;
    return Math.min(this.#context.currentTime - this.#began, this.duration);
  }

  /** Fetch and decode one sound, or both; the position stays, and so does the playing. */
  async load(urls) {
    const turn = ++this.#load;
    const wasPlaying = this.state === "playing";
    this.pause();
    this.#set("loading");
    try {
      this.#context ??= new AudioContext();
      const buffers = await Promise.all(urls.map((url) => this.#decode(url)));
      if (turn !== this.#load) return;
      this.#buffers = buffers;
      this.#rest = Math.min(this.#rest, this.duration);
      this.#set("ready");
      if (wasPlaying) await this.play();
    } catch (error) {
      if (turn !== this.#load) return;
      this.#buffers = [];
      this.#set("empty");
      throw error;
    }
  }

  async #decode(url) {
    const answer = await fetch(url);
    if (!answer.ok) throw new Error((await answer.json()).error);
    return this.#context.decodeAudioData(await answer.arrayBuffer());
  }

  async play() {
    if (this.state !== "ready") return;
    await this.#context.resume();
    if (this.#rest >= this.duration) this.#rest = 0;
    const start = this.#context.currentTime + 0.05;
    this.#gains = this.#buffers.map(() => this.#context.createGain());
    this.#sources = this.#buffers.map((buffer, place) => {
      const source = this.#context.createBufferSource();
      source.buffer = buffer;
      this.#gains[place].gain.value = loudness(this.mix, this.#buffers.length)[place];
      source.connect(this.#gains[place]).connect(this.#context.destination);
      source.start(start, this.#rest);
      return source;
    });
    this.#sources[0].onended = () => this.stop();
    this.#began = start - this.#rest;
    this.#set("playing");
  }

  pause() {
    if (this.state !== "playing") return;
    this.#rest = Math.max(0, this.position);
    for (const source of this.#sources) {
      source.onended = null;
      source.stop();
    }
    this.#set("ready");
  }

  stop() {
    this.pause();
    this.#rest = 0;
    this.onchange();
  }

  async seek(seconds) {
    const wasPlaying = this.state === "playing";
    this.pause();
    this.#rest = Math.max(0, Math.min(seconds, this.duration || seconds));
    this.onchange();
    if (wasPlaying) await this.play();
  }

  setMix(mix) {
    this.mix = mix;
    this.#gains.forEach((gain, place) =>
      gain.gain.setTargetAtTime(loudness(mix, this.#gains.length)[place], this.#context.currentTime, FADE_SECONDS),
    );
    this.onchange();
  }

  #set(state) {
    this.state = state;
    this.onchange();
  }
}
