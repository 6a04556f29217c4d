"use strict";
(() => {
  const root = document.documentElement;
  const all = (selector, from = document) => Array.from(from.querySelectorAll(selector));

  // Colours: auto follows the system, the choice is kept where the browser allows it.
  const group = document.querySelector(".theme");
  const choose = (theme) => {
    if (theme === "auto") root.removeAttribute("data-theme");
    else root.setAttribute("data-theme", theme);
    all("button", group).forEach((button) =>
      button.setAttribute("aria-pressed", String(button.dataset.set === theme)));
    try { localStorage.setItem("adversity-theme", theme); } catch { /* private window */ }
  };
  group.hidden = false;
  group.addEventListener("click", (event) => {
    if (event.target.dataset.set) choose(event.target.dataset.set);
  });
  try {
    const kept = localStorage.getItem("adversity-theme");
    if (kept === "light" || kept === "dark") choose(kept);
  } catch { /* private window */ }

  // A link to something inside closed sections opens them.
  const open = () => {
    const target = location.hash && document.getElementById(location.hash.slice(1));
    let folded = target && target.closest("details");
    if (!folded) return;
    for (; folded; folded = folded.parentElement.closest("details")) folded.open = true;
    target.scrollIntoView();
  };
  addEventListener("hashchange", open);
  open();

  // Charts come alive one by one when they are looked at, pointed at or focused.
  const tip = document.querySelector(".tip");
  const place = (event) => {
    tip.style.left = `${Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8)}px`;
    tip.style.top = `${Math.min(event.clientY + 14, innerHeight - tip.offsetHeight - 8)}px`;
  };
  const tell = (_handler, event, _item, value) => {
    tip.hidden = value === null || value === undefined || value === "";
    if (tip.hidden) return;
    tip.textContent = typeof value === "object"
      ? Object.entries(value).map(([name, text]) => `${name}: ${text}`).join("\n")
      : String(value);
    place(event);
  };
  const unpacked = async (id) => {
    const bytes = Uint8Array.from(atob(document.getElementById(id).textContent), (one) => one.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    return new Response(stream).text();
  };
  // The page's policy has the hash of what is unpacked: nothing else could run here.
  const ready = async () => {
    const script = document.createElement("script");
    script.textContent = await unpacked("runtime");
    document.head.append(script);
    return JSON.parse(await unpacked("specs"));
  };
  let waiting;
  const enliven = async (figure) => {
    if (figure.dataset.live) return;
    figure.dataset.live = "starting";
    const stage = document.createElement("div");
    try {
      waiting ||= ready();
      const spec = (await waiting)[figure.dataset.chart];
      await window.vegaEmbed(stage, spec, {
        ast: true, actions: false, defaultStyle: false, renderer: "svg", tooltip: tell,
        loader: { load: () => Promise.reject(new Error("a report loads nothing")) },
      });
      const drawn = stage.querySelector("svg");
      drawn.setAttribute("viewBox", `0 0 ${drawn.getAttribute("width")} ${drawn.getAttribute("height")}`);
      figure.replaceChildren(stage);
      figure.dataset.live = "yes";
    } catch (error) {
      figure.dataset.live = "no";
      console.warn("chart stays as drawn:", error);
    }
  };
  if (document.getElementById("runtime") && window.DecompressionStream) {
    all(".chart").forEach((figure) => {
      for (const reason of ["pointerenter", "focusin", "touchstart"]) {
        figure.addEventListener(reason, () => enliven(figure), { once: true, passive: true });
      }
    });
  }

  // Tables: a head sorts the rows, numbers from the largest down first; again turns them round.
  const size = (cell) => {
    const found = cell.textContent.replace("\u2212", "-").match(/-?\d[\d,]*(\.\d+)?(e[+-]?\d+)?/i);
    return found ? Number(found[0].replaceAll(",", "")) : NaN;
  };
  const sort = (table, at, down) => {
    const numbers = table.tHead.rows[0].cells[at].classList.contains("num");
    const known = (row) => !numbers || !Number.isNaN(size(row.cells[at]));
    const order = (a, b) => numbers
      ? size(a.cells[at]) - size(b.cells[at])
      : a.cells[at].textContent.localeCompare(b.cells[at].textContent);
    const rows = Array.from(table.tBodies[0].rows);
    const [there, rest] = [rows.filter(known), rows.filter((row) => !known(row))];
    there.sort((a, b) => (down ? order(b, a) : order(a, b)));
    table.tBodies[0].append(...there, ...rest);
    Array.from(table.tHead.rows[0].cells).forEach((head, index) => {
      if (index === at) head.setAttribute("aria-sort", down ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    });
  };
  all("table.sortable").forEach((table) => all("thead th", table).forEach((head, at) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const now = head.getAttribute("aria-sort");
      sort(table, at, now ? now === "ascending" : head.classList.contains("num"));
    });
  }));

  // What fits into its place needs no stop of the Tab key, and is no region for a screen reader.
  const regions = new Map(all(".scroll").map((region) => [region, region.getAttribute("aria-label")]));
  const stops = new ResizeObserver((entries) => entries.forEach(({ target }) => {
    const wide = target.scrollWidth > target.clientWidth + 1;
    target.toggleAttribute("tabindex", wide);
    if (wide) target.tabIndex = 0;
    if (!regions.has(target)) return;
    for (const [name, value] of [["role", "region"], ["aria-label", regions.get(target)]]) {
      if (wide) target.setAttribute(name, value);
      else target.removeAttribute(name);
    }
  }));
  all(".scroll, pre").forEach((element) => stops.observe(element));

  // Images: click or Enter compares with the clean one, else the first, under a wipe slider.
  const dialog = document.querySelector("dialog");
  if (!dialog || !dialog.showModal) return;
  const under = dialog.querySelector(".under");
  const over = dialog.querySelector(".over");
  const range = dialog.querySelector("input");
  const wipe = () => { over.style.clipPath = `inset(0 0 0 ${range.value}%)`; };
  range.addEventListener("input", wipe);
  const first = (image) => {
    const strip = image.closest(".sheet") || image.closest(".strip");
    return strip.querySelector('[data-role="clean"]') || strip.querySelector(".tile");
  };
  const compare = (image) => {
    const tile = first(image);
    const base = tile.querySelector("img");
    dialog.querySelector(".base").textContent = tile.dataset.role;
    range.setAttribute("aria-label", `Wipe between ${tile.dataset.role} and this image`);
    for (const [slot, source] of [[under, base], [over, image]]) {
      slot.src = source.src;
      slot.alt = source.alt;
      slot.className = `${slot === under ? "under" : "over"} ${source.className}`;
    }
    dialog.querySelector(".compare-text").textContent = `${base.alt} | ${image.alt}`;
    range.value = 50;
    wipe();
    dialog.showModal();
  };
  all(".ground img").forEach((image) => {
    const button = document.createElement("button");
    button.type = "button";
    button.setAttribute("aria-label", `Compare with the ${first(image).dataset.role} image: ${image.alt}`);
    image.replaceWith(button);
    button.append(image);
    button.addEventListener("click", () => compare(image));
  });
  // A strip needs no stop of its own where each image in it is one.
  all(".strip").forEach((strip) => strip.removeAttribute("tabindex"));
})();
