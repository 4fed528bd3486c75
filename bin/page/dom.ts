/** Making and changing elements; names and messages become text, never markup. */

/** An element of the page, which is there. */
export function byId<Kind extends HTMLElement = HTMLElement>(id: string): Kind {
  return document.getElementById(id) as Kind;
}

/** Makes an element with these attributes and children; text stays text. */
export function make<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Record<string, string> = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Writes a text where it is another one: what doesn't change costs no layout. */
export function setText(node: Node, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}

/** The same for an attribute; undefined removes it. */
export function setAttribute(element: Element, name: string, value: string | undefined): void {
  if (value === undefined) element.removeAttribute(name);
  else if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

/** Puts these children into this order and removes all others, moving as few as it can. */
export function arrange(parent: Element, children: readonly Element[]): void {
  const wanted = new Set<Element>(children);
  for (const child of Array.from(parent.children)) if (!wanted.has(child)) child.remove();
  let at = parent.firstElementChild;
  for (const child of children) {
    if (child === at) at = at.nextElementSibling;
    else parent.insertBefore(child, at);
  }
}

/** Facts as a description list, which is changed in place. */
export function showFacts(
  list: HTMLElement,
  facts: readonly (readonly [name: string, value: string])[],
): void {
  while (list.children.length > facts.length) list.lastElementChild!.remove();
  for (const [index, [name, value]] of facts.entries()) {
    const pair = list.children[index] ?? list.appendChild(make("div", {}, make("dt"), make("dd")));
    setText(pair.children[0]!, name);
    setText(pair.children[1]!, value);
  }
}

/** A bar from 0 to 1, filled as far as `share` says; null: nobody knows. */
export function makeBar(label: string): HTMLElement {
  const bar = make("div", { class: "meter", role: "progressbar", "aria-label": label }, make("i"));
  bar.setAttribute("aria-valuemin", "0");
  bar.setAttribute("aria-valuemax", "100");
  return bar;
}

/** Moves a bar that {@link makeBar} made. */
export function setBar(bar: HTMLElement, share: number | null): void {
  const fill = bar.firstElementChild as HTMLElement;
  setAttribute(bar, "aria-valuenow", share === null ? undefined : String(Math.floor(share * 100)));
  setAttribute(bar, "data-unknown", share === null ? "" : undefined);
  const width = `${((share ?? 0) * 100).toFixed(1)}%`;
  if (fill.style.width !== width) fill.style.width = width;
}
