"use strict";
// The page reads itself again, and takes over what is new: only what differs is
// touched, so that scroll position, selection and focus stay.
(() => {
  const root = document.documentElement;
  const lost = document.getElementById("lost");
  const every = Number(root.dataset.every);
  const patience = Math.max(10000, every); // an answer takes no longer
  let timer, running;

  const key = (n) => (n.nodeType === 1 && n.dataset && (n.id || n.dataset.key)) || "";
  const alike = (a, b) => a.nodeType === b.nodeType && a.nodeName === b.nodeName && key(a) === key(b);

  // takeAttributes makes an element's attributes those of another. What a reader
  // has unfolded stays so.
  function takeAttributes(old, next) {
    for (const { name } of [...old.attributes]) {
      if (!next.hasAttribute(name) && name !== "open") old.removeAttribute(name);
    }
    for (const { name, value } of next.attributes) {
      if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    }
  }

  // take makes a node like another one: children with a key are found again
  // wherever they stand, others by their place.
  function take(old, next) {
    if (old.nodeType !== 1) {
      if (old.nodeValue !== next.nodeValue) old.nodeValue = next.nodeValue;
      return;
    }
    takeAttributes(old, next);
    const stays = new Set([...next.children].map(key).filter(Boolean));
    const known = new Map();
    for (const child of [...old.children]) {
      if (!key(child)) continue;
      if (stays.has(key(child)) && !known.has(key(child))) known.set(key(child), child);
      else child.remove();
    }
    let place = old.firstChild;
    for (const child of [...next.childNodes]) {
      const name = key(child);
      let match = name ? known.get(name) : place;
      if (match && !alike(match, child)) match = undefined;
      known.delete(name);
      if (!match) {
        old.insertBefore(document.importNode(child, true), place);
        continue;
      }
      if (match === place) place = place.nextSibling;
      else old.insertBefore(match, place);
      take(match, child);
    }
    while (place) {
      const after = place.nextSibling;
      place.remove();
      place = after;
    }
  }

  function show(text) {
    const next = new DOMParser().parseFromString(text, "text/html");
    const page = next.getElementById("page");
    if (!page || !next.documentElement.dataset.build) throw new Error("something else than enitune answers");
    if (next.documentElement.dataset.build !== root.dataset.build) {
      location.reload(); // another version, with another style and script
      return;
    }
    take(document.getElementById("page"), page);
    take(document.getElementById("icon"), next.getElementById("icon"));
    if (document.title !== next.title) document.title = next.title;
  }

  function complain(why) {
    root.classList.add("is-lost");
    const since = document.querySelector(".verdict time");
    const text = "The daemon does not answer (" + why + "). Below is what it said last" +
      (since ? ", at " + since.textContent : "") + ". It is asked again every " + Math.ceil(every / 1000) + " s.";
    if (lost.textContent !== text) lost.textContent = text;
    lost.hidden = false;
    if (!document.title.startsWith("? ")) document.title = "? " + document.title;
  }

  async function look() {
    clearTimeout(timer);
    if (running) return;
    const mine = running = new AbortController();
    const deadline = setTimeout(() => mine.abort("no answer in time"), patience);
    try {
      const answer = await fetch(location.href.split("#")[0], { cache: "no-store", signal: mine.signal });
      if (!answer.ok) throw new Error("it says " + answer.status);
      show(await answer.text());
      root.classList.remove("is-lost");
      lost.hidden = true;
      lost.textContent = "";
    } catch (e) {
      if (mine.signal.reason !== "hidden") {
        complain(e instanceof TypeError ? "no connection" : (e && e.message) || String(e));
      }
    }
    clearTimeout(deadline);
    running = undefined;
    plan();
  }

  // plan looks again in a while, unless nobody looks at the page.
  function plan() {
    clearTimeout(timer);
    if (!document.hidden) timer = setTimeout(look, every);
  }

  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) look();
    else {
      clearTimeout(timer);
      if (running) running.abort("hidden");
    }
  });
  addEventListener("pageshow", (e) => { if (e.persisted) look(); });
  plan();
})();
