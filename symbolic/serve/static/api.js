// The HTTP API as functions; a mistake is thrown as an Error that says the server's sentence.

async function ask(method, path, options = {}) {
  let answer;
  try {
    answer = await fetch(path, { method, ...options, headers: { "X-Subtractive": "1", ...options.headers } });
  } catch {
    throw new Error("The server does not answer: is it still running?");
  }
  if (answer.status === 204) return null;
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) throw Object.assign(new Error(said.error ?? `The server says ${answer.status}.`), { status: answer.status });
  return said;
}

const query = (variation) => (variation ? `?variation=${encodeURIComponent(variation)}` : "");

export const openSong = (file) =>
  ask("POST", `/api/songs?name=${encodeURIComponent(file.name)}`, {
    body: file,
    headers: { "Content-Type": "application/octet-stream" },
  });
export const song = (id) => ask("GET", `/api/songs/${id}`);
export const closeSong = (id) => ask("DELETE", `/api/songs/${id}`);
export const write = (id, wanted) =>
  ask("POST", `/api/songs/${id}/jobs`, {
    body: JSON.stringify(wanted),
    headers: { "Content-Type": "application/json" },
  });
export const cancel = (job) => ask("DELETE", `/api/jobs/${job}`);
export const keep = (id, variation) => ask("POST", `/api/songs/${id}/variations/${variation}/keep`);
export const discard = (id, variation) => ask("DELETE", `/api/songs/${id}/variations/${variation}`);
export const roll = (id, variation) => ask("GET", `/api/songs/${id}/roll${query(variation)}`);
export const score = (id, variation) => ask("GET", `/api/songs/${id}/score${query(variation)}`);
export const soundUrl = (id, stem, variation) => `/api/songs/${id}/sound/${stem}${query(variation)}`;
export const fileUrl = (id, kind, variation) => `/api/songs/${id}/files/${kind}${query(variation)}`;

/** Call `told` with the job each time it changes, until it is finished. */
export function follow(job, told) {
  const events = new EventSource(`/api/jobs/${job}/events`);
  events.onmessage = (event) => {
    const now = JSON.parse(event.data);
    if (["done", "cancelled", "failed"].includes(now.state)) events.close();
    told(now);
  };
  events.onerror = () => {
    if (events.readyState === EventSource.CLOSED) told(null);
  };
  return () => events.close();
}
