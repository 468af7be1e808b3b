// Marks on the growth chart: what happened on a day, from the canvas's data-marks, as a dashed line with a word.
(function () {
  "use strict";

  function marksOf(canvas) {
    try {
      return JSON.parse(canvas.dataset.marks || "[]");
    } catch (broken) {
      return [];
    }
  }

  // One mark a day: its kinds, each once, the most telling first.
  function byDay(marks) {
    const days = new Map();
    for (const { day, kind, text } of marks) {
      const known = days.get(day) || { kinds: [], texts: [] };
      if (!known.kinds.includes(kind)) known.kinds.push(kind);
      known.texts.push(text);
      days.set(day, known);
    }
    return days;
  }

  // Read once a chart: it is drawn again at every move of the pointer, and made anew for another theme.
  const paints = new WeakMap();

  function paintOf(chart) {
    if (!paints.has(chart)) {
      paints.set(chart, colour(chart.canvas, "--cool"));
    }
    return paints.get(chart);
  }

  function colour(canvas, name) {
    const probe = document.createElement("span");
    probe.hidden = true;
    canvas.parentElement.append(probe);
    probe.style.color = `var(${name})`;
    const found = window.getComputedStyle(probe).color;
    probe.remove();
    return found;
  }

  // Above the lines, so that no word covers one.
  const WORDS = 18;

  function makeRoom(chart) {
    if (marksOf(chart.canvas).length) chart.options.layout.padding.top = 8 + WORDS;
  }

  // Words that would stand in each other are left out, breakouts last; the list below the chart has them all.
  function write(chart, found) {
    const { ctx, chartArea, scales } = chart;
    const taken = [];
    const weight = ([, { kinds }]) => (kinds.includes("breakout") ? 0 : 1);
    for (const [index, { kinds }] of [...found].sort((one, other) => weight(one) - weight(other))) {
      const x = scales.x.getPixelForValue(index);
      const words = kinds.join(", ");
      const width = ctx.measureText(words).width;
      const left = x - 2 + width > chartArea.right ? x + 2 - width : x - 2;
      if (left < chartArea.left || taken.some(([from, to]) => left < to + 8 && left + width > from - 8)) continue;
      taken.push([left, left + width]);
      ctx.fillText(words, left, chartArea.top - WORDS);
    }
  }

  function draw(chart) {
    const days = byDay(marksOf(chart.canvas));
    if (!days.size) return;
    const { ctx, chartArea, scales } = chart;
    const found = chart.data.labels.flatMap((day, index) => (days.has(day) ? [[index, days.get(day)]] : []));
    ctx.save();
    ctx.font = `12px ${window.getComputedStyle(document.body).fontFamily}`;
    ctx.textBaseline = "top";
    ctx.strokeStyle = ctx.fillStyle = paintOf(chart);
    for (const [index] of found) {
      const x = scales.x.getPixelForValue(index);
      ctx.setLineDash([2, 3]);
      ctx.beginPath();
      ctx.moveTo(x, chartArea.top - 2);
      ctx.lineTo(x, chartArea.bottom);
      ctx.stroke();
      const value = chart.data.datasets[0].data[index];
      if (typeof value === "number") {
        ctx.beginPath();
        ctx.arc(x, scales.y.getPixelForValue(value), 4, 0, 2 * Math.PI);
        ctx.fill();
      }
    }
    write(chart, found);
    ctx.restore();
  }

  window.Chart.register({ id: "tikdashMarks", beforeLayout: makeRoom, afterDatasetsDraw: draw });
})();
