// The growth chart: one counter by day, from the JSON that data-series-url answers. Needs Chart.js (window.Chart).
(function () {
  "use strict";

  const NARROW_SPACE = "\u202f";
  const whole = new Intl.NumberFormat("en-US");
  const plain = { decimal: ".", group: ",", units: ["K", "M", "B"], months: "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" "), said: {} };
  const inPage = document.getElementById("words");
  // The reader's words and marks; without them the page's own language.
  const style = inPage ? JSON.parse(inPage.textContent) : plain;
  const t = (text) => style.said[text] || text;

  function marked(number) {
    return number.replaceAll(",", "\0").replace(".", style.decimal).replaceAll("\0", style.group);
  }
  const charts = new Map();

  function exact(value) {
    return marked(whole.format(value)).replace("-", "−");
  }

  function signed(value) {
    return (value > 0 ? "+" : "") + exact(value);
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
    const found = {
      line: read("--accent"),
      gap: read("--edge"),
      grid: read("--line"),
      words: read("--ink-3"),
      ink: read("--ink"),
      card: read("--card"),
      paper: read("--paper"),
      cross: read("--edge"),
    };
    probe.remove();
    return found;
  }

  function changeBefore(values, index) {
    const before = index > 0 ? values[index - 1] : null;
    return values[index] === null || before === null ? null : values[index] - before;
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

  function dataset(series, colour) {
    if (series.kind === "bar") {
      return { type: "bar", data: series.values, backgroundColor: colour.line, borderRadius: 2, maxBarThickness: 18 };
    }
    const crossesGap = (segment) => segment.p0.skip || segment.p1.skip || segment.p1DataIndex - segment.p0DataIndex > 1;
    return {
      type: "line",
      data: series.values,
      borderColor: colour.line,
      backgroundColor: colour.line,
      borderWidth: 2,
      borderJoinStyle: "round",
      spanGaps: true,
      segment: {
        borderColor: (segment) => (crossesGap(segment) ? colour.gap : undefined),
        borderDash: (segment) => (crossesGap(segment) ? [3, 4] : undefined),
        borderWidth: (segment) => (crossesGap(segment) ? 1.5 : undefined),
      },
      pointRadius: (point) => (isAlone(series.values, point.dataIndex) ? 2.5 : 0),
      pointHoverRadius: 5,
      pointHoverBackgroundColor: colour.line,
      pointHoverBorderColor: colour.card,
      pointHoverBorderWidth: 2,
      pointHitRadius: 12,
    };
  }

  function tooltip(series, colour, family) {
    return {
      displayColors: false,
      animation: false,
      backgroundColor: colour.ink,
      titleColor: colour.paper,
      bodyColor: colour.paper,
      titleFont: { family, weight: "400", size: 12 },
      bodyFont: { family, weight: "600", size: 15 },
      footerColor: colour.paper,
      footerFont: { family, weight: "400", size: 12 },
      footerMarginTop: 2,
      padding: 10,
      cornerRadius: 8,
      caretSize: 0,
      caretPadding: 12,
      callbacks: {
        title: (items) => dayWords(series.dates[items[0].dataIndex], true),
        label: (item) => exact(item.raw),
        footer: function (items) {
          const change = series.kind === "bar" ? null : changeBefore(series.values, items[0].dataIndex);
          return change === null ? "" : `${signed(change)} ${t("on the day")}`;
        },
      },
    };
  }

  function scales(series, colour) {
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
          callback: (value, index) => dayWords(series.dates[index], series.dates.length > 366),
        },
      },
      y: {
        grid: { color: colour.grid, drawTicks: false },
        border: { display: false },
        beginAtZero: series.kind === "bar",
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

  function configuration(series, box) {
    const colour = colours(box);
    const family = window.getComputedStyle(document.body).fontFamily;
    return {
      data: { labels: series.dates, datasets: [dataset(series, colour)] },
      options: {
        animation: false,
        responsive: true,
        maintainAspectRatio: false,
        layout: { padding: { top: 6, right: 8 } },
        font: { family },
        interaction: { mode: "index", intersect: false, axis: "x" },
        scales: scales(series, colour),
        plugins: {
          legend: { display: false },
          tooltip: tooltip(series, colour, family),
          crosshair: { color: colour.cross },
        },
      },
      plugins: [crosshair],
    };
  }

  function draw(canvas, series) {
    const old = charts.get(canvas);
    if (old) old.chart.destroy();
    const chart = new window.Chart(canvas, configuration(series, canvas.parentElement));
    charts.set(canvas, { chart, series });
  }

  function say(canvas, words) {
    const line = canvas.parentElement.querySelector("[data-chart-word]");
    line.textContent = words;
    line.hidden = words === "";
  }

  async function load(canvas) {
    charts.set(canvas, null);
    try {
      const answer = await window.fetch(canvas.dataset.seriesUrl, { headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      const series = await answer.json();
      if (!canvas.isConnected) return;
      const known = series.values.filter((value) => value !== null).length;
      if (known === 0) {
        say(canvas, t("No numbers in this range yet. The first one appears after the first reading."));
        return;
      }
      say(canvas, "");
      draw(canvas, series);
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
    for (const canvas of document.querySelectorAll("canvas[data-series-url]")) {
      if (!charts.has(canvas)) load(canvas);
    }
  }

  function move(canvas, way) {
    const entry = charts.get(canvas);
    if (!entry) return false;
    const { chart, series } = entry;
    const days = series.values.flatMap((value, index) => (value === null ? [] : [index]));
    const [active] = chart.getActiveElements();
    const place = active ? days.indexOf(active.index) : way > 0 ? -1 : days.length;
    const index = days[Math.min(days.length - 1, Math.max(0, place + way))];
    const point = [{ datasetIndex: 0, index }];
    const { x, y } = chart.getDatasetMeta(0).data[index];
    chart.setActiveElements(point);
    chart.tooltip.setActiveElements(point, { x, y });
    chart.update("none");
    const readout = canvas.parentElement.querySelector("[data-chart-readout]");
    readout.textContent = `${dayWords(series.dates[index], true)}: ${exact(series.values[index])}`;
    return true;
  }

  document.addEventListener("keydown", function (event) {
    const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const canvas = event.target;
    if (way && canvas instanceof HTMLCanvasElement && move(canvas, way)) event.preventDefault();
  });

  document.addEventListener("tikdash:theme", function () {
    for (const [canvas, entry] of charts) if (entry) draw(canvas, entry.series);
  });

  // What other charts draw in the same way.
  window.tikdashCharts = { colours, crosshair, dayWords, exact, say, tickWords, marked, t };

  document.addEventListener("htmx:afterSettle", setUp);
  setUp();
})();
