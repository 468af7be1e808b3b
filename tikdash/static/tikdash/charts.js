// Charts of days: one line (or bars of changes) from data-series-url, several on one axis from data-lines-url, both as
// JSON. Several carry their names at their ends. Needs Chart.js (window.Chart).
(function () {
  "use strict";

  const NARROW_SPACE = "\u202f";
  const HUES = 5;
  const DASHES = [[], [6, 4]];
  const whole = new Intl.NumberFormat("en-US");
  const plain = { decimal: ".", group: ",", units: ["K", "M", "B"], months: "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" "), said: {} };
  const inPage = document.getElementById("words");
  // The reader's words and marks; without them the page's own language.
  const style = inPage ? JSON.parse(inPage.textContent) : plain;
  const t = (text) => style.said[text] || text;
  const charts = new Map();

  function marked(number) {
    return number.replaceAll(",", "\0").replace(".", style.decimal).replaceAll("\0", style.group);
  }

  function exact(value) {
    return marked(whole.format(value)).replace("-", "−");
  }

  function signed(value) {
    return (value > 0 ? "+" : "") + exact(value);
  }

  function words(value, shown) {
    return shown.indexed ? marked(value.toFixed(1)) : exact(Math.round(value));
  }

  // Ticks share one unit, with as many digits as tell neighbours apart.
  function tickWords(value, ticks) {
    const largest = Math.max(...ticks.map((tick) => Math.abs(tick.value)));
    const step = ticks.length > 1 ? Math.abs(ticks[1].value - ticks[0].value) : largest;
    const [size, unit] = [[1e9, style.units[2]], [1e6, style.units[1]], [1e3, style.units[0]]].find(([limit]) => largest >= limit) || [1, ""];
    const places = Math.min(4, Math.max(0, -Math.floor(Math.log10(step / size || 1) + 1e-9)));
    const number = marked((Math.abs(value) / size).toFixed(places));
    return (value < 0 ? "−" : "") + number + (unit ? NARROW_SPACE + unit : "");
  }

  function dayWords(iso, withYear) {
    const [year, month, day] = iso.split("-").map(Number);
    return `${day} ${style.months[month - 1]}${withYear ? ` ${year}` : ""}`;
  }

  // Canvas knows no CSS variables; the browser works them out on an element that uses them.
  function colours(box) {
    const probe = document.createElement("span");
    probe.hidden = true;
    box.append(probe);
    const read = function (name) {
      probe.style.color = `var(${name})`;
      return window.getComputedStyle(probe).color;
    };
    const names = { line: "--accent", gap: "--edge", grid: "--line", words: "--ink-3", ink: "--ink", card: "--card", paper: "--paper" };
    const found = Object.fromEntries(Object.entries(names).map(([key, name]) => [key, read(name)]));
    found.series = Array.from({ length: HUES }, (_, place) => read(`--series-${place + 1}`));
    probe.remove();
    return found;
  }

  function isAlone(values, index) {
    return values[index] !== null && (values[index - 1] ?? null) === null && (values[index + 1] ?? null) === null;
  }

  const crosshair = {
    id: "crosshair",
    afterDatasetsDraw(chart) {
      const [active] = chart.getActiveElements();
      if (!active) return;
      const { ctx, chartArea } = chart;
      ctx.save();
      ctx.strokeStyle = chart.options.plugins.crosshair.color;
      ctx.lineWidth = 1;
      ctx.setLineDash([2, 3]);
      ctx.beginPath();
      ctx.moveTo(active.element.x, chartArea.top);
      ctx.lineTo(active.element.x, chartArea.bottom);
      ctx.stroke();
      ctx.restore();
    },
  };

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

  // Lines behind the fifth repeat the colours, dashed; gaps are crossed in grey.
  function dataset(line, place, shown, colour) {
    const own = shown.single ? colour.line : colour.series[place % HUES];
    if (shown.bars) {
      return { type: "bar", label: line.name, data: line.values, backgroundColor: own, borderRadius: 2, maxBarThickness: 18 };
    }
    const crossesGap = (segment) => segment.p0.skip || segment.p1.skip || segment.p1DataIndex - segment.p0DataIndex > 1;
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
        borderWidth: (segment) => (crossesGap(segment) ? 1.5 : undefined),
      },
      pointRadius: (point) => (isAlone(line.values, point.dataIndex) ? 2.5 : 0),
      pointHoverRadius: 5,
      pointHoverBackgroundColor: own,
      pointHoverBorderColor: colour.card,
      pointHoverBorderWidth: 2,
      pointHitRadius: 12,
    };
  }

  function tooltip(shown, colour, family) {
    const day = (items) => (items.length ? dayWords(shown.dates[items[0].dataIndex], true) : "");
    const look = {
      animation: false,
      backgroundColor: colour.ink,
      titleColor: colour.paper,
      bodyColor: colour.paper,
      footerColor: colour.paper,
      padding: 10,
      cornerRadius: 8,
      caretSize: 0,
      caretPadding: 12,
    };
    if (!shown.single) {
      return {
        ...look,
        boxWidth: 10,
        boxHeight: 3,
        itemSort: (one, other) => other.parsed.y - one.parsed.y,
        callbacks: { title: day, label: (item) => `${item.dataset.label}: ${words(item.parsed.y, shown)}` },
      };
    }
    const [{ values }] = shown.lines;
    return {
      ...look,
      displayColors: false,
      titleFont: { family, weight: "400", size: 12 },
      bodyFont: { family, weight: "600", size: 15 },
      footerFont: { family, weight: "400", size: 12 },
      footerMarginTop: 2,
      callbacks: {
        title: day,
        label: (item) => exact(item.raw),
        footer: function ([item]) {
          const before = item ? (values[item.dataIndex - 1] ?? null) : null;
          return shown.bars || before === null ? "" : `${signed(item.raw - before)} ${t("on the day")}`;
        },
      },
    };
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
        beginAtZero: shown.bars,
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
      data: { labels: shown.dates, datasets: shown.lines.map((line, place) => dataset(line, place, shown, colour)) },
      options: {
        animation: false,
        responsive: true,
        maintainAspectRatio: false,
        font: { family },
        layout: { padding: { top: 8, right: shown.single ? 8 : Math.min(box.clientWidth * 0.28, longest * 7 + 14) } },
        interaction: { mode: "index", intersect: false, axis: "x" },
        scales: scales(shown, colour),
        plugins: { legend: { display: false }, crosshair: { color: colour.gap }, tooltip: tooltip(shown, colour, family) },
      },
      plugins: shown.single ? [crosshair] : [crosshair, names],
    };
  }

  // One series in the form of several.
  function asLines(answer) {
    if (answer.lines) return { ...answer, single: false, bars: false };
    return { dates: answer.dates, lines: [{ name: answer.label, values: answer.values }], indexed: false, single: true, bars: answer.kind === "bar" };
  }

  function draw(canvas, shown) {
    charts.get(canvas)?.chart.destroy();
    charts.set(canvas, { chart: new window.Chart(canvas, configuration(shown, canvas.parentElement)), shown });
  }

  function say(canvas, text) {
    const line = canvas.parentElement.querySelector("[data-chart-word]");
    line.textContent = text;
    line.hidden = text === "";
  }

  async function load(canvas) {
    charts.set(canvas, null);
    try {
      const address = canvas.dataset.seriesUrl || canvas.dataset.linesUrl;
      const answer = await window.fetch(address, { headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      const shown = asLines(await answer.json());
      if (!canvas.isConnected) return;
      const known = shown.lines.some((line) => line.values.some((value) => value !== null));
      const nothing = shown.single
        ? t("No numbers in this range yet. The first one appears after the first reading.")
        : t("No numbers in this range yet.");
      say(canvas, known ? "" : nothing);
      if (known) draw(canvas, shown);
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
    for (const canvas of document.querySelectorAll("canvas[data-series-url], canvas[data-lines-url]")) {
      if (!charts.has(canvas)) load(canvas);
    }
  }

  // The next day, that way, of which a line knows a number.
  function move(canvas, way) {
    const entry = charts.get(canvas);
    if (!entry) return false;
    const { chart, shown } = entry;
    const days = shown.dates.flatMap((day, index) => (shown.lines.some((line) => line.values[index] !== null) ? [index] : []));
    const [active] = chart.getActiveElements();
    const place = active ? days.indexOf(active.index) : way > 0 ? -1 : days.length;
    const index = days[Math.min(days.length - 1, Math.max(0, place + way))];
    const found = shown.lines.flatMap((line, datasetIndex) => (line.values[index] === null ? [] : [{ datasetIndex, index }]));
    const { x, y } = chart.getDatasetMeta(found[0].datasetIndex).data[index];
    chart.setActiveElements(found);
    chart.tooltip.setActiveElements(found, { x, y });
    chart.update("none");
    const spoken = found.map(function ({ datasetIndex }) {
      const line = shown.lines[datasetIndex];
      return (shown.single ? "" : `${line.name} `) + words(line.values[index], shown);
    });
    const readout = canvas.parentElement.querySelector("[data-chart-readout]");
    readout.textContent = `${dayWords(shown.dates[index], true)}: ${spoken.join(", ")}`;
    return true;
  }

  document.addEventListener("keydown", function (event) {
    const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (way && event.target instanceof HTMLCanvasElement && move(event.target, way)) event.preventDefault();
  });

  document.addEventListener("tikdash:theme", function () {
    for (const [canvas, entry] of charts) if (entry) draw(canvas, entry.shown);
  });

  document.addEventListener("htmx:afterSettle", setUp);
  setUp();
})();
