import * as api from "./api.js";
import { Roll } from "./roll.js";
import { Score } from "./score.js";
import { Transport } from "./transport.js";
import { $, make, minutes, plural, title } from "./words.js";

const roll = new Roll($("roll"));
const score = new Score($("score"));
const transport = new Transport((seconds, playing) => {
  roll.at(seconds, playing);
  score.at(seconds, playing);
});
roll.onseek = score.onseek = (seconds) => transport.seek(seconds);
const form = $("form");
let song = null;
let looked = null; // the variation that is looked at; null: the song with what was kept
let job = null;
let turn = 0; // of what is shown: an answer that comes late is not

// --- mistakes ---------------------------------------------------------------------------------

function tell(error) {
  $("error").textContent = error.message;
  $("error").hidden = false;
}

/** Let a function tell its mistakes on the page. */
const told = (act) => async (...given) => {
  $("error").hidden = true;
  try {
    return await act(...given);
  } catch (error) {
    tell(error);
    return undefined;
  }
};

// --- a file comes in --------------------------------------------------------------------------

const openFile = told(async (file) => {
  if (!file) return;
  $("drop").classList.add("busy");
  try {
    const opened = await api.openSong(file);
    if (song) api.closeSong(song.id).catch(() => {});
    enter(opened);
  } finally {
    $("drop").classList.remove("busy");
  }
});

function enter(opened) {
  song = opened;
  looked = null;
  job = null;
  history.replaceState(null, "", `#${song.id}`);
  form.reset();
  $("progress").hidden = true;
  $("welcome").hidden = true;
  $("desk").hidden = $("song-name").hidden = $("another").hidden = false;
  transport.stop();
  render();
  look(null);
  if (song.jobs.length) follow(song.jobs[0]);
}

$("file").addEventListener("change", (event) => {
  openFile(event.target.files[0]);
  event.target.value = "";
});
$("another").addEventListener("click", () => $("file").click());
for (const name of ["dragover", "dragleave", "drop"])
  addEventListener(name, (event) => {
    event.preventDefault();
    document.body.classList.toggle("dragged", name === "dragover");
    if (name === "drop") openFile(event.dataTransfer.files[0]);
  });

// --- what is there ----------------------------------------------------------------------------

function render() {
  const about = [plural(song.bars, "bar"), song.metre, `♩ = ${Math.round(song.tempo)}`, minutes(song.seconds)];
  $("song-name").replaceChildren(make("strong", { textContent: song.name }), ` ${about.join(" · ")}`);
  document.title = `${song.name} · Subtractive`;
  $("bars-hint").textContent = `Bars such as ${song.first_bar}-${song.last_bar}, as printed; empty: all.`;
  $("tempo-field").hidden = song.states_tempo;
  askAboutExisting();
  const items = song.variations.map(variationItem);
  if (items.length) items.unshift(make("li", { className: "plain" }, lookAt("", "The music as it is", [keptWords()])));
  $("variations").replaceChildren(...items);
  $("no-variations").hidden = items.length > 0;
  renderDownloads();
}

const keptWords = () => {
  const kept = song.variations.filter((one) => one.kept).map((one) => one.instrument);
  return kept.length ? `with the ${kept.join(" and ")} you kept` : "nothing kept yet";
};

/** Return a choice of what is looked at. */
function lookAt(id, name, facts) {
  const choice = make("input", {
    type: "radio",
    name: "looked",
    value: id,
    checked: id === (looked ?? ""),
    onchange: () => look(id || null),
  });
  const lines = facts.map((fact) => make("small", { textContent: fact }));
  return make("label", {}, choice, make("span", {}, make("strong", { textContent: name }), ...lines));
}

function variationItem(variation) {
  const name = `${title(variation.instrument)} ${variation.number}`;
  const facts = [plural(variation.notes, "note"), `seed ${variation.seed}`];
  if (variation.bars) facts.push(`bars ${variation.bars}`);
  const lines = [facts.join(" · ")];
  if (variation.prompt) lines.push(`“${variation.prompt}”`);
  const keep = make("button", {
    type: "button",
    className: variation.kept ? "kept" : "",
    textContent: variation.kept ? "Kept" : "Keep",
    disabled: variation.kept,
    ariaLabel: variation.kept ? `${name} is kept` : `Keep ${name}`,
    onclick: told(async () => change(await api.keep(song.id, variation.id), null)),
  });
  const discard = make("button", {
    type: "button",
    className: "quiet",
    textContent: variation.kept ? "Take out" : "Discard",
    ariaLabel: `${variation.kept ? "Take out" : "Discard"} ${name}`,
    onclick: told(async () =>
      change(await api.discard(song.id, variation.id), looked === variation.id ? null : looked),
    ),
  });
  return make("li", { className: variation.instrument }, lookAt(variation.id, name, lines), make("div", {}, keep, discard));
}

function change(now, next) {
  song = now;
  looked = next;
  render();
  look(next);
  // the button that was pressed is gone
  $("variations").querySelector(":checked")?.focus();
}

function renderDownloads() {
  for (const kind of ["midi", "musicxml", "wav", "part"]) $(`get-${kind}`).href = api.fileUrl(song.id, kind, looked);
  const chosen = song.variations.find((one) => one.id === looked);
  const kept = song.parts.filter((part) => part.origin === "kept").map((part) => part.instrument);
  $("get-part").hidden = !chosen && !kept.length;
  $("download-hint").textContent = chosen
    ? `The music with the ${chosen.instrument} you are looking at.`
    : kept.length
      ? `The music with the ${kept.join(" and ")} you kept.`
      : "Nothing is kept yet: this is the music as you gave it.";
}

/** Show and load the song with one more variation, or as it is kept. */
async function look(variation) {
  const now = ++turn;
  looked = variation;
  renderDownloads();
  $("score-words").textContent = "Engraving…";
  $("score").classList.add("stale");
  try {
    const notes = await api.roll(song.id, variation);
    if (now !== turn) return;
    roll.show(notes);
    showParts(notes.parts);
    const stems = notes.parts.some((part) => part.origin !== "given") ? ["rest", "new"] : ["rest"];
    transport.load(stems.map((stem) => api.soundUrl(song.id, stem, variation)), notes.seconds);
    const engraved = await api.score(song.id, variation);
    if (now !== turn) return;
    score.show(engraved.pages, notes.bars);
    $("score-words").textContent = engraved.notices.join(" ");
  } catch (error) {
    if (now !== turn) return;
    score.clear();
    $("score-words").textContent = error.message;
  } finally {
    if (now === turn) $("score").classList.remove("stale");
  }
}

function showParts(parts) {
  $("parts").replaceChildren(
    ...parts.map((part) =>
      make("li", {
        className: part.origin === "given" ? "given" : `${part.origin} ${part.instrument}`,
        textContent: `${part.name || title(part.instrument)}${part.origin === "given" ? "" : ` (${part.origin})`}`,
      }),
    ),
  );
}

// --- writing ----------------------------------------------------------------------------------

function askAboutExisting() {
  const name = form.elements.instrument.value;
  const there = song?.parts.some((part) => part.instrument === name) ?? false;
  $("existing").hidden = !there;
  $("existing").querySelector("legend").textContent = `The music has ${name} already`;
  for (const choice of form.elements.existing) choice.required = there;
  if (!there) for (const choice of form.elements.existing) choice.checked = false;
}
for (const choice of form.elements.instrument) choice.addEventListener("change", askAboutExisting);

function wanted() {
  const values = Object.fromEntries([...new FormData(form)].filter(([, value]) => value !== ""));
  for (const name of ["variations", "seed", "tempo", "temperature", "density"])
    if (name in values) values[name] = Number(values[name]);
  if (song.states_tempo) delete values.tempo;
  return values;
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  begin();
});

const begin = told(async () => {
  const asked = wanted();
  follow((await api.write(song.id, asked)).id);
  // the same seed would write the same again
  form.elements.seed.value = asked.seed + asked.variations;
});

function follow(id) {
  job = id;
  $("write").disabled = true;
  for (const part of ["progress", "bar", "cancel"]) $(part).hidden = false;
  let shown = false; // the first variation is looked at as soon as it is there
  api.follow(id, async (now) => {
    if (job !== id) return;
    const fresh = await advance(now);
    if (!fresh) return;
    if (!shown) looked = fresh;
    render();
    if (!shown) look(fresh);
    shown = true;
  });
}

/** Show how far a job is; return the first of the variations that are new, if any is. */
async function advance(now) {
  if (now === null) return void end("The connection broke: is the server still running?");
  const bar = $("bar");
  if (now.bars_written) {
    bar.max = now.bars_total;
    bar.value = now.bars_written;
  } else bar.removeAttribute("value");
  $("progress-words").textContent =
    now.state === "waiting"
      ? now.ahead
        ? `Waiting for ${plural(now.ahead, "job")} before this one…`
        : "Getting ready…"
      : `Writing ${now.instrument}: ${Math.round((100 * now.bars_written) / now.bars_total)} %`;
  const fresh = now.variations.filter((id) => !song.variations.some((one) => one.id === id));
  const finished = ["done", "cancelled", "failed"].includes(now.state);
  if (finished) end({ cancelled: "Cancelled.", failed: "", done: now.remarks.join("; ") }[now.state]);
  if (now.state === "failed") tell(new Error(now.error));
  if (fresh.length) song = await api.song(song.id);
  return fresh[0];
}

function end(words) {
  job = null;
  $("write").disabled = false;
  $("progress-words").textContent = words;
  $("bar").hidden = $("cancel").hidden = true;
  if (!words) $("progress").hidden = true;
  setTimeout(() => {
    if (!job) $("progress").hidden = true;
  }, 2500);
}

$("cancel").addEventListener("click", told(async () => job && api.cancel(job)));

// --- a page that is loaded anew finds its song again ------------------------------------------

if (location.hash.length > 1)
  api.song(location.hash.slice(1)).then(enter, () => history.replaceState(null, "", "/"));
