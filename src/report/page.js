/* Draws the page's charts from the JSON that stands in #chart-data. Every colour is a variable of page.css, so that a change
 * of theme and paper need no second drawing. */
(() => {
  "use strict";

  const data = JSON.parse(document.getElementById("chart-data").textContent);
  const SHAPES = ["circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle-right", "triangle-left"];
  const names = data.models.map((model) => model.name);
  const tone = (i) => (i + Math.floor(i / SHAPES.length)) % SHAPES.length;
  const colour = {scale: {domain: names, range: names.map((_, i) => `var(--m${tone(i)})`)}, legend: null};
  const shape = {scale: {domain: names, range: names.map((_, i) => SHAPES[i % SHAPES.length])}, legend: null};

  /* Sweeps differ at the end of their names: a long one is cut in the middle. */
  const shortened = (half) => `length(datum.label) > ${2 * half + 1}
    ? slice(datum.label, 0, ${half}) + '\u2026' + slice(datum.label, -${half}) : datum.label`;

  const config = {
    background: null,
    font: "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'Liberation Sans', sans-serif",
    view: {stroke: null},
    axis: {
      labelColor: "var(--muted)", titleColor: "var(--muted)", gridColor: "var(--grid)", domainColor: "var(--line)",
      tickColor: "var(--line)", labelFontSize: 11.5, titleFontSize: 11.5, titleFontWeight: 400, titlePadding: 8, labelPadding: 5,
      domain: false, ticks: false,
    },
  };

  const base = (spec) => ({$schema: "https://vega.github.io/schema/vega-lite/v6.json", width: "container",
                           autosize: {type: "fit-x", contains: "padding"}, config, ...spec});

  /* ---- learning curves: one line a run, solid for validation, dashed for training, marks of the model along the way */

  function curveRows(key) {
    const rows = [];
    for (const run of data.runs.filter((one) => one[key]))
      run[key].forEach((values, part) => values.forEach((value, i) => {
        if (value === null) return;
        rows.push({model: names[run.model], seed: run.seed, part: part ? "validation" : "training", epoch: i + 1, value,
                   line: `${run.model} ${run.seed} ${part}`, last: i === values.length - 1});
      }));
    return rows;
  }

  function curve(element) {
    const key = element.dataset.curve, rows = curveRows(key);
    const values = rows.map((row) => row.value), least = Math.min(...values), most = Math.max(...values);
    const longest = Math.max(...rows.map((row) => row.epoch)), every = Math.max(1, Math.ceil(longest / 8));
    const width = data.runs.length > 6 ? 1.4 : 2;
    const logarithmic = key !== "accuracy" && least > 0 && most / least > 20;
    const percent = key === "accuracy";
    const y = {field: "value", type: "quantitative", title: null,
               scale: logarithmic ? {type: "log", nice: false} : {zero: false, nice: true},
               axis: {tickCount: 6, ...(percent ? {labelExpr: "format(100 * datum.value, '~g') + '\u202f%'"} : {format: "~g"})}};
    const x = {field: "epoch", type: "quantitative", title: "epoch", scale: {domain: [1, Math.max(2, longest)], nice: false},
               axis: {grid: false, tickMinStep: 1, tickCount: 8, format: "d", labelOverlap: "greedy", labelSeparation: 8}};
    const tooltip = [{field: "model"}, {field: "seed"}, {field: "part"}, {field: "epoch"},
                     {field: "value", title: key, format: percent ? ".2%" : ".4g"}];
    return base({
      height: 260,
      data: {values: rows},
      encoding: {x, y, color: {field: "model", type: "nominal", ...colour}, detail: {field: "line"}},
      layer: [
        {transform: [{filter: "datum.part === 'training'"}],
         mark: {type: "line", strokeWidth: 0.75 * width, strokeDash: [4, 3], opacity: 0.75}},
        {transform: [{filter: "datum.part === 'validation'"}], mark: {type: "line", strokeWidth: width}},
        {transform: [{filter: `datum.part === 'validation' && (datum.epoch % ${every} === 0 || datum.last)`}],
         mark: {type: "point", filled: true, size: 38, opacity: 1},
         encoding: {shape: {field: "model", type: "nominal", ...shape}, tooltip}},
        {mark: {type: "point", size: 160, opacity: 0}, encoding: {tooltip}},
      ],
    });
  }

  /* ---- test accuracy: a mark, its interval, and an upright bar where a figure was published */

  function accuracy(element) {
    const rows = data.models.filter((model) => model.accuracy !== null).map((model) => ({
      ...model, low: model.low ?? model.accuracy, high: model.high ?? model.accuracy,
      label: `${(100 * model.accuracy).toFixed(1)}\u202f%`,
    }));
    const ends = rows.flatMap((row) => [row.low, row.high, row.published ?? row.accuracy]);
    const least = Math.min(...ends), most = Math.max(...ends), range = Math.max(most - least, 0.01);
    const narrow = element.clientWidth < 480;
    const room = narrow ? 0.34 : 0.1; /* for the figure beside the interval */
    const scale = {domain: [Math.max(0, least - 0.06 * range), most + room * range], nice: false, zero: false};
    const x = (field) => ({field, type: "quantitative", title: null, scale,
                           axis: {labelExpr: "format(100 * datum.value, '~g') + '\u202f%'", tickCount: narrow ? 4 : 8}});
    const y = {field: "name", type: "nominal", sort: null, title: null,
               axis: {labelColor: "var(--ink)", labelFontSize: narrow ? 12 : 13, labelLimit: narrow ? 150 : 400,
                      labelExpr: shortened(narrow ? 8 : 18), grid: false}};
    const color = {field: "name", type: "nominal", ...colour};
    const tooltip = [{field: "name", title: "model"}, {field: "accuracy", format: ".2%"}, {field: "low", format: ".2%"},
                     {field: "high", format: ".2%"}, {field: "published", format: ".2%"}];
    if (!rows.some((row) => row.published !== null))
      for (const key of document.querySelectorAll(".key-published")) key.remove();
    return base({
      height: 32 * rows.length,
      data: {values: rows},
      encoding: {y, tooltip},
      layer: [
        {transform: [{filter: "datum.published !== null"}],
         mark: {type: "tick", color: "var(--ink)", thickness: 2, size: 20, opacity: 0.85}, encoding: {x: x("published")}},
        {mark: {type: "rule", strokeWidth: 3, strokeCap: "round", opacity: 0.55},
         encoding: {x: x("low"), x2: {field: "high"}, color}},
        {mark: {type: "point", filled: true, size: 90, opacity: 1},
         encoding: {x: x("accuracy"), color, shape: {field: "name", type: "nominal", ...shape}}},
        {mark: {type: "text", align: "left", dx: 9, fontSize: 12, color: "var(--ink)"},
         encoding: {x: x("high"), text: {field: "label"}}},
      ],
    });
  }

  /* ---- precision against recall of one class: a line a model, its mark at another place on each */

  function recall(element) {
    const label = Number(element.dataset.class), models = element.dataset.models.trim().split(" ").map(Number), rows = [];
    models.forEach((at, order) => {
      const points = data.models[at].curves[label], aim = (order + 1) / (models.length + 1);
      const distances = points.recall.map((value) => Math.abs(value - aim)), marked = distances.indexOf(Math.min(...distances));
      points.recall.forEach((value, i) => rows.push({model: names[at], recall: value, precision: points.precision[i],
                                                     order: i, marked: i === marked}));
    });
    const axis = {values: [0, 0.5, 1], format: "~g", labelFontSize: 10};
    const color = {field: "model", type: "nominal", ...colour};
    return base({
      height: 130,
      data: {values: rows},
      encoding: {
        x: {field: "recall", type: "quantitative", title: null, scale: {domain: [0, 1]}, axis},
        y: {field: "precision", type: "quantitative", title: null, scale: {domain: [0, 1]}, axis},
        color,
        order: {field: "order"},
        tooltip: [{field: "model"}, {field: "precision", format: ".3f"}, {field: "recall", format: ".3f"}],
      },
      layer: [
        {mark: {type: "line", strokeWidth: 1.5}},
        {transform: [{filter: "datum.marked"}], mark: {type: "point", filled: true, size: 36, opacity: 1},
         encoding: {shape: {field: "model", type: "nominal", ...shape}}},
      ],
    });
  }

  /* ---- confusion matrix: right answers in one colour, mistakes in another, as deep as their share of the row */

  function confusionRows(model) {
    const {classes, confusion} = model, rows = [];
    classes.forEach((_, i) => {
      const counts = confusion.slice(i * classes.length, (i + 1) * classes.length);
      const total = counts.reduce((sum, count) => sum + count, 0);
      counts.forEach((count, j) => rows.push({t: i, p: j, truth: classes[i], predicted: classes[j], count,
                                              share: total ? count / total : 0, right: i === j}));
    });
    return rows;
  }

  function confusion(element) {
    const model = data.models[Number(element.dataset.model)], classes = model.classes, many = classes.length > 24;
    const narrow = element.clientWidth < 400;
    const side = many ? Math.max(3, Math.floor(420 / classes.length)) : classes.length > 12 ? 22 : 32;
    const longest = Math.max(...classes.map((name) => name.length));
    const name = `${JSON.stringify(classes)}[datum.value]`;
    const axis = {labelExpr: name, labelColor: "var(--ink)", labelLimit: narrow ? 62 : 110, labels: !many,
                  labelFontSize: narrow ? 10 : 11.5};
    const tooltip = [{field: "truth", title: "true"}, {field: "predicted"}, {field: "count", format: ","},
                     {field: "share", title: "of the class", format: ".1%"}];
    return base({
      height: side * classes.length,
      data: {values: confusionRows(model)},
      encoding: {
        x: {field: "p", type: "ordinal", title: "predicted", axis: {...axis, orient: "bottom", labelAngle: longest > 2 ? -45 : 0}},
        y: {field: "t", type: "ordinal", title: "true", axis},
        tooltip,
      },
      layer: [
        {mark: {type: "rect", fill: "var(--sunken)", stroke: "var(--surface)", strokeWidth: many ? 0 : 1.5}},
        {mark: {type: "rect", stroke: "var(--surface)", strokeWidth: many ? 0 : 1.5},
         encoding: {
           fill: {condition: {test: "datum.right", value: "var(--accent)"}, value: "var(--miss)"},
           fillOpacity: {field: "share", type: "quantitative", legend: null,
                         scale: {type: "pow", exponent: 0.6, domain: [0, 1], range: [0, 0.95]}},
         }},
        ...(many ? [] : [{
          transform: [{filter: "datum.count > 0"}],
          mark: {type: "text", fontSize: narrow || classes.length > 12 ? 9 : 11},
          encoding: {
            text: {field: "count"},
            fill: {condition: {test: "datum.share > 0.45", value: "var(--surface)"}, value: "var(--ink)"},
          },
        }]),
      ],
    });
  }

  /* ---- drawing */

  const makers = {curve, accuracy, recall, confusion};

  async function draw() {
    for (const element of document.querySelectorAll(".plot")) {
      await hourglassCharts.embed(element, makers[element.dataset.chart](element),
                                  {actions: false, renderer: "svg", defaultStyle: false, tooltip: {theme: "custom"}});
      element.dataset.drawn = "yes";
    }
    document.documentElement.dataset.charts = "drawn";
  }

  addEventListener("beforeprint", () => {
    for (const one of document.querySelectorAll("details")) one.open = true;
  });
  draw();
})();
