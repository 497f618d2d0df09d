// What all of the page's modules say and make.

export const $ = (id) => document.getElementById(id);
export const minutes = (seconds) =>
  `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
export const plural = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;
export const title = (word) => word[0].toUpperCase() + word.slice(1);

export function make(tag, set = {}, ...inside) {
  const element = Object.assign(document.createElement(tag), set);
  element.append(...inside);
  return element;
}
