// Shows the sections and figures of all visits at the level under the pointer.
"use strict";

const SIZE_PX = 176;

function glance(visit) {
  const box = document.createElement("div");
  box.className = "glance";
  box.setAttribute("aria-hidden", "true");
  box.style.backgroundImage = `url(${visit.uri})`;
  box.style.backgroundSize = `${SIZE_PX * visit.columns}px auto`;
  const side = visit.side;
  const zoom = SIZE_PX / side;
  const places = [[7, side / 2], [side - 7, side / 2], [side / 2, 6], [side / 2, side - 6]];
  return {
    box,
    show(station) {
      box.style.visibility = station < 0 ? "hidden" : "visible";
      if (station < 0) return;
      const n = Math.min(Math.round(station / visit.stride), visit.outlines.length - 1);
      const column = n % visit.columns;
      const row = Math.floor(n / visit.columns);
      box.style.backgroundPosition = `${-column * side * zoom}px ${-row * side * zoom}px`;
      const lumens = visit.outlines[n].map(one => `<polygon points="${one.map(tenths => tenths / 10).join(" ")}"/>`);
      const letters = places.map(([x, y], k) => `<text x="${x}" y="${y}">${visit.sides[n][k]}</text>`);
      box.innerHTML = `<svg viewBox="0 0 ${side} ${side}">${lumens.join("")}${letters.join("")}</svg>`;
    },
  };
}

for (const course of document.querySelectorAll(".course")) {
  const visits = JSON.parse(course.querySelector("script").textContent);
  if (!visits.length) continue;
  const axis = Object.fromEntries(["left", "right", "from", "to"].map(n => [n, Number(course.dataset[n])]));
  const first = visits[0].first;
  const count = visits[0].stations.length;
  const pointer = document.createElement("div");
  pointer.className = "pointer";
  pointer.hidden = true;
  const readings = document.createElement("div");
  readings.className = "readings";
  readings.setAttribute("role", "status");
  const shown = visits.map(visit => {
    const reading = document.createElement("div");
    reading.className = "reading";
    const words = document.createElement("div");
    const title = document.createElement("h4");
    title.textContent = visit.title;
    const line = document.createElement("p");
    const section = glance(visit);
    words.append(title, line);
    reading.append(section.box, words);
    readings.append(reading);
    return { visit, line, section };
  });
  course.append(pointer);
  course.closest(".beside-course").querySelector(".sections-of-visits").prepend(readings);
  course.tabIndex = 0;
  course.setAttribute("aria-label", "Profiles; the arrow keys move along the vein");
  let place = Math.floor(count / 2);
  function show(n) {
    place = Math.max(0, Math.min(count - 1, n));
    const share = axis.left + (axis.right - axis.left) * (first + place - axis.from) / (axis.to - axis.from);
    pointer.style.left = `${100 * share}%`;
    for (const { visit, line, section } of shown) {
      const station = visit.stations[place];
      line.textContent = station < 0 ? "not in view at this level" : visit.lines[station];
      section.show(station);
    }
  }
  show(place);

  course.addEventListener("pointermove", event => {
    const box = course.getBoundingClientRect();
    const share = (event.clientX - box.left) / box.width;
    pointer.hidden = false;
    show(Math.round(axis.from + (axis.to - axis.from) * (share - axis.left) / (axis.right - axis.left) - first));
  });
  course.addEventListener("pointerleave", () => { pointer.hidden = true; });
  course.addEventListener("keydown", event => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step) { event.preventDefault(); pointer.hidden = false; show(place + step); }
  });
}
