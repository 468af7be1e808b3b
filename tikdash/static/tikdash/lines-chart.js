// Several lines on one axis of days, from the JSON of data-lines-url.
// Lines carry their names at their ends. Needs Chart.js and what growth-chart.js shares.
(function () {
  "use strict";

  const { colours, crosshair, dayWords, exact, marked, say, t, tickWords } = window.tikdashCharts;
  const HUES = 5;
  const DASHES = [[], [6, 4]];
  const charts = new Map();

  // The colours of the style sheet, worked out by the browser; lines behind the fifth repeat them, dashed.
  function hue(box, place) {
    const probe = document.createElement("span");
    probe.hidden = true;
    probe.style.color = `var(--series-${(place % HUES) + 1})`;
    box.append(probe);
    const found = window.getComputedStyle(probe).color;
    probe.remove();
    return found;
  }

  function words(value, shown) {
    return shown.indexed ? marked(value.toFixed(1)) : exact(Math.round(value));
  }

  function dataset(line, place, box, colour) {
    const own = hue(box, place);
    const crossesGap = (segment) => segment.p1DataIndex - segment.p0DataIndex > 1;
    return {
      type: "line",
      label: line.name,
      data: line.values,
      borderColor: own,
      backgroundColor: own,
      borderWidth: 2,
      borderDash: DASHES[Math.floor(place / HUES) % DASHES.length],
      borderJoinStyle: "round",
      spanGaps: true,
      segment: {
        borderColor: (segment) => (crossesGap(segment) ? colour.gap : undefined),
        borderDash: (segment) => (crossesGap(segment) ? [3, 4] : undefined),
      },
      pointRadius: 0,
      pointHoverRadius: 4,
      pointHitRadius: 10,
    };
  }

  // Names at the ends of the lines, moved apart where they would lie on each other.
  const names = {
    id: "names",
    afterDatasetsDraw(chart) {
      const { ctx, chartArea } = chart;
      const labels = chart.data.datasets.flatMap(function (set, index) {
        const last = chart.getDatasetMeta(index).data.filter((point) => !point.skip).at(-1);
        return last ? [{ name: set.label, y: last.y, colour: set.borderColor }] : [];
      });
      labels.sort((one, other) => one.y - other.y);
      const step = 14;
      for (let i = 1; i < labels.length; i += 1) labels[i].y = Math.max(labels[i].y, labels[i - 1].y + step);
      const over = labels.length ? labels.at(-1).y - chartArea.bottom : 0;
      if (over > 0) {
        labels.at(-1).y -= over;
        for (let i = labels.length - 2; i >= 0; i -= 1) labels[i].y = Math.min(labels[i].y, labels[i + 1].y - step);
      }
      ctx.save();
      ctx.font = `600 12px ${chart.options.font.family}`;
      ctx.textBaseline = "middle";
      for (const label of labels) {
        ctx.fillStyle = label.colour;
        ctx.fillText(cut(ctx, label.name, chart.options.layout.padding.right - 10), chartArea.right + 6, label.y);
      }
      ctx.restore();
    },
  };

  function cut(ctx, name, room) {
    if (ctx.measureText(name).width <= room) return name;
    let short = name;
    while (short.length > 2 && ctx.measureText(`${short}…`).width > room) short = short.slice(0, -1);
    return `${short}…`;
  }

  function scales(shown, colour) {
    const font = { size: 12 };
    return {
      x: {
        grid: { display: false },
        border: { color: colour.grid },
        ticks: {
          color: colour.words,
          font,
          maxRotation: 0,
          autoSkipPadding: 36,
          callback: (value, index) => dayWords(shown.dates[index], shown.dates.length > 366),
        },
      },
      y: {
        grid: { color: colour.grid, drawTicks: false },
        border: { display: false },
        ticks: {
          color: colour.words,
          font,
          padding: 8,
          maxTicksLimit: 6,
          callback: (value, index, ticks) => tickWords(value, ticks),
        },
      },
    };
  }

  function configuration(shown, box) {
    const colour = colours(box);
    const family = window.getComputedStyle(document.body).fontFamily;
    const longest = Math.max(...shown.lines.map((line) => line.name.length));
    return {
      data: {
        labels: shown.dates,
        datasets: shown.lines.map((line, place) => dataset(line, place, box, colour)),
      },
      options: {
        animation: false,
        responsive: true,
        maintainAspectRatio: false,
        font: { family },
        layout: { padding: { top: 8, right: Math.min(box.clientWidth * 0.28, longest * 7 + 14) } },
        interaction: { mode: "index", intersect: false, axis: "x" },
        scales: scales(shown, colour),
        plugins: {
          legend: { display: false },
          crosshair: { color: colour.cross },
          tooltip: {
            animation: false,
            backgroundColor: colour.ink,
            titleColor: colour.paper,
            bodyColor: colour.paper,
            padding: 10,
            cornerRadius: 8,
            caretSize: 0,
            boxWidth: 10,
            boxHeight: 3,
            itemSort: (one, other) => other.parsed.y - one.parsed.y,
            callbacks: {
              title: (items) => (items.length ? dayWords(shown.dates[items[0].dataIndex], true) : ""),
              label: (item) => `${item.dataset.label}: ${words(item.parsed.y, shown)}`,
            },
          },
        },
      },
      plugins: [crosshair, names],
    };
  }

  function draw(canvas, shown) {
    charts.get(canvas)?.chart.destroy();
    charts.set(canvas, { chart: new window.Chart(canvas, configuration(shown, canvas.parentElement)), shown });
  }

  function known(shown) {
    return shown.lines.some((line) => line.values.some((value) => value !== null));
  }

  async function load(canvas) {
    charts.set(canvas, null);
    try {
      const answer = await window.fetch(canvas.dataset.linesUrl, { headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      const shown = await answer.json();
      if (!canvas.isConnected) return;
      say(canvas, known(shown) ? "" : t("No numbers in this range yet."));
      if (known(shown)) draw(canvas, shown);
    } catch (failure) {
      charts.delete(canvas);
      say(canvas, t("The chart could not be loaded. Load the page again; the table below has the numbers."));
    }
  }

  function setUp() {
    for (const canvas of charts.keys()) {
      if (canvas.isConnected) continue;
      charts.get(canvas)?.chart.destroy();
      charts.delete(canvas);
    }
    for (const canvas of document.querySelectorAll("canvas[data-lines-url]")) if (!charts.has(canvas)) load(canvas);
  }

  function read(canvas, way) {
    const entry = charts.get(canvas);
    if (!entry) return false;
    const { chart, shown } = entry;
    const length = shown.dates.length;
    const [active] = chart.getActiveElements();
    const place = Math.min(length - 1, Math.max(0, (active ? active.index : way > 0 ? -1 : length) + way));
    const found = chart.data.datasets.flatMap(function (set, datasetIndex) {
      const point = chart.getDatasetMeta(datasetIndex).data[place];
      return point && !point.skip ? [{ datasetIndex, index: place, point }] : [];
    });
    if (!found.length) return false;
    chart.setActiveElements(found.map(({ datasetIndex, index }) => ({ datasetIndex, index })));
    chart.tooltip.setActiveElements(chart.getActiveElements(), found[0].point);
    chart.update("none");
    const spoken = found.map(function ({ datasetIndex, index }) {
      const set = chart.data.datasets[datasetIndex];
      return `${set.label} ${words(set.data[index], shown)}`;
    });
    const readout = canvas.parentElement.querySelector("[data-chart-readout]");
    readout.textContent = `${dayWords(shown.dates[place], true)}: ${spoken.join(", ")}`;
    return true;
  }

  document.addEventListener("keydown", function (event) {
    const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (way && event.target instanceof HTMLCanvasElement && read(event.target, way)) event.preventDefault();
  });

  document.addEventListener("tikdash:theme", function () {
    for (const [canvas, entry] of charts) if (entry) draw(canvas, entry.shown);
  });

  document.addEventListener("htmx:afterSettle", setUp);
  setUp();
})();
