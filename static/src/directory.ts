// Noticing that something was registered, changed or deleted while a page is open.
import { subscribe } from "./live";

const spread = 2000; // ms: many pages hear of the same change, and must not all ask in the same instant

// onDirectory calls act some time after the control log of the tenant has moved, also when it did so while the page was
// disconnected. While act is due, more changes are not counted.
export function onDirectory(act: () => void): void {
  let known = 0;
  let due = false;
  subscribe({ topic: "directory" }, ({ position }) => {
    if (position === undefined) return;
    const moved = known > 0 && position !== known;
    known = position;
    if (!moved || due) return;
    due = true;
    setTimeout(() => {
      due = false;
      act();
    }, Math.random() * spread);
  });
}
