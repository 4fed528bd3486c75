/** Light, dark, or as the system says; remembered by the browser. */
import { setAttribute, setText } from "./dom.ts";

const THEMES = ["auto", "light", "dark"] as const;
type Theme = (typeof THEMES)[number];
const KEY = "nimo-shake-theme";

/** Makes a button change the theme; `onChange` is told when the colours change, by the system too. */
export function createTheme(button: HTMLElement, onChange: () => void): void {
  let theme = remembered();
  show();
  button.addEventListener("click", () => {
    theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length]!;
    remember(theme);
    show();
    onChange();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", onChange);

  function show(): void {
    setText(button, `Theme: ${theme}`);
    setAttribute(document.documentElement, "data-theme", theme === "auto" ? undefined : theme);
  }
}

function remembered(): Theme {
  try {
    const known = localStorage.getItem(KEY);
    return THEMES.find((theme) => theme === known) ?? "auto";
  } catch {
    return "auto"; // a browser that lets a page keep nothing
  }
}

function remember(theme: Theme): void {
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // It holds for as long as the page is open.
  }
}
