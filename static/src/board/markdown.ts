// The part of Markdown that a note needs: headings, lists, emphasis, code and links. It makes elements, never markup, and
// follows no address but http, https and those of this server.
import { make } from "./dom";

export function markdown(text: string): HTMLElement {
  const root = make("div", "w-text");
  for (const block of text.split(/\n\s*\n/)) {
    const lines = block.split("\n").filter((line) => line.trim() !== "");
    let list: HTMLElement | undefined;
    let paragraph: HTMLElement | undefined;
    for (const line of lines) {
      const heading = /^(#{1,3})\s+(.*)$/.exec(line);
      const item = /^\s*(?:[-*]|(\d+)\.)\s+(.*)$/.exec(line);
      if (heading) {
        root.append(inline(make("h3", heading[1]?.length === 1 ? "first" : ""), heading[2] ?? ""));
        list = paragraph = undefined;
      } else if (item) {
        if (!list) root.append((list = make(item[1] ? "ol" : "ul")));
        list.append(inline(make("li"), item[2] ?? ""));
        paragraph = undefined;
      } else {
        if (paragraph) paragraph.append(make("br"));
        else root.append((paragraph = make("p")));
        inline(paragraph, line);
        list = undefined;
      }
    }
  }
  return root;
}

const mark = /\*\*(.+?)\*\*|\*(.+?)\*|`(.+?)`|\[([^\]]+)\]\(([^)\s]+)\)/;

function inline<T extends HTMLElement>(into: T, text: string): T {
  let rest = text;
  for (let found = mark.exec(rest); found; found = mark.exec(rest)) {
    into.append(rest.slice(0, found.index), piece(found));
    rest = rest.slice(found.index + found[0].length);
  }
  into.append(rest);
  return into;
}

function piece([, strong, em, code, words, address]: RegExpExecArray): Node {
  if (strong) return inline(make("strong"), strong);
  if (em) return inline(make("em"), em);
  if (code) return make("code", "", code);
  const target = URL.canParse(address ?? "", location.href) ? new URL(address ?? "", location.href) : null;
  if (!target || !["http:", "https:"].includes(target.protocol)) return document.createTextNode(words ?? "");
  const link = make("a", "", words ?? "");
  link.href = target.href;
  link.rel = "noopener noreferrer";
  return link;
}
