// An SVG element with its attributes; words are set as text, never as markup.
const SVG = "http://www.w3.org/2000/svg";

export function node(name, attributes, text = "") {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text) element.textContent = text;
  return element;
}
