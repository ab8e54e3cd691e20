/* Draws the page's figures from the JSON that stands in #figures: Vega-Lite specifications, and their data as typed arrays in
 * base64. Colours are variables of page.css, so that a change of theme and paper need no second drawing. */
(() => {
  "use strict";

  const page = JSON.parse(document.getElementById("figures").textContent);
  const figures = new Map(page.figures.map((figure) => [figure.name, figure]));
  const sheets = page.sheets;
  const LETTER = 7; /* pixels, about, in the charts' font */

  /* ---- data: columns of numbers or words to rows */

  const ARRAYS = {u8: Uint8Array, u16: Uint16Array, f32: Float32Array};

  function numbers(column) {
    const type = Object.keys(ARRAYS).find((name) => name in column), text = atob(column[type]);
    const bytes = Uint8Array.from(text, (letter) => letter.charCodeAt(0));
    const values = new ARRAYS[type](bytes.buffer);
    return "step" in column ? Float32Array.from(values, (value) => column.least + column.step * value) : values;
  }

  function rowsOf(data) {
    const columns = Object.entries(data.columns).map(([name, column]) => [name, numbers(column), column.words]);
    return Array.from({length: data.rows}, (_, i) => Object.fromEntries(columns.map(([name, values, words]) =>
      [name, words ? words[values[i]] : Number.isFinite(values[i]) ? values[i] : null])));
  }

  /* ---- specifications: fitted to the place where they stand, or as they go into a file */

  const copy = (value) => JSON.parse(JSON.stringify(value));

  function whole(figure, width) {
    const spec = copy(figure.spec), config = copy(page.config);
    if (figure.legend) config.legend.columns = Math.max(1, Math.floor(width / (LETTER * Math.min(figure.legend, 45) + 40)));
    if (width < 480) {
      config.legend.labelLimit = width - 60;
      config.axisY = {labelLimit: Math.floor(0.38 * width)};
    }
    return {$schema: "https://vega.github.io/schema/vega-lite/v6.json", ...spec, config, data: {values: rowsOf(figure.data)}};
  }

  function panels(spec, width) {
    const {panel, room, each = 0} = spec.usermeta, gap = spec.spacing.column + each, left = Math.min(room, Math.floor(0.4 * width));
    spec.columns = Math.max(1, Math.min(spec.columns, Math.floor((width - left + gap) / (panel + gap))));
    spec.spec.width = Math.floor((width - left - 14 - gap * (spec.columns - 1)) / spec.columns);
    return spec;
  }

  function limitLabels(node, limit) {
    if (!node || typeof node !== "object") return;
    if (typeof node.labelLimit === "number") node.labelLimit = Math.min(node.labelLimit, limit);
    Object.values(node).forEach((inner) => limitLabels(inner, limit));
  }

  /* Words beside a mark need as many pixels as the template says: beyond a bar that would go through them, and at the plot's end. */
  function makeRoomBeside(spec, width) {
    const scale = spec.layer[2].encoding.x.scale, [least, most] = scale.domain, plot = 0.6 * width, words = spec.usermeta.beside;
    const room = (most - least) * words / (plot - words), rows = spec.data.values;
    for (const row of rows) if (row.published > row.end && row.published - row.end < room) row.end = row.published;
    const end = Math.max(...rows.map((row) => row.end));
    scale.domain = [least, Math.max(most, end + (end - least) * words / (plot - words))];
  }

  function fitted(figure, width) {
    const spec = whole(figure, width);
    if (spec.height && spec.height.step) spec.height = spec.height.step * figure.data.columns[spec.encoding.y.field].words.length;
    if (width < 480) for (const part of [spec.encoding, spec.layer, spec.spec]) limitLabels(part, Math.floor(0.34 * width));
    if (spec.facet) return panels(spec, width);
    if (spec.usermeta && spec.usermeta.beside) makeRoomBeside(spec, width);
    const most = spec.usermeta && spec.usermeta.square ? Math.min(width, spec.width) : null;
    if (most) return {...spec, width: most, height: most, autosize: {type: "fit-x", contains: "padding"}};
    return {...spec, width: "container", autosize: {type: "fit-x", contains: "padding"}};
  }

  /* Variables by what they stand for: on a canvas and in a file there is no style sheet. */
  function coloured(spec, scope) {
    const style = getComputedStyle(scope);
    return JSON.parse(JSON.stringify(spec).replace(/var\((--[a-z0-9-]+)\)/g, (_, name) => style.getPropertyValue(name).trim()));
  }

  function onPaper(figure, width = 640) {
    const scope = document.body.appendChild(Object.assign(document.createElement("div"), {className: "paper"}));
    const spec = coloured(whole(figure, width), scope);
    scope.remove();
    spec.config.background = "#ffffff";
    return spec;
  }

  /* ---- pictures under the pointer: cut out of a sheet that holds many */

  const TILE = 84; /* pixels, about */

  function picture(figure, tile) {
    const sheet = sheets[figure.sheet];
    if (!(tile > 0)) return "";
    const x = (tile - 1) % sheet.columns, y = Math.floor((tile - 1) / sheet.columns);
    const width = sheet.width * Math.max(1, Math.round(TILE / sheet.width));
    return `<span class="cell sheet-${figure.sheet}" style="--x:${x};--y:${y};width:${width}px"></span>`;
  }

  function tooltip(figure) {
    if (figure.sheet < 0) return {theme: "custom"};
    return {theme: "custom", formatTooltip: (value, clean) => {
      const {tile, ...shown} = value;
      const rows = Object.entries(shown).filter(([_, text]) => text !== "")
        .map(([key, text]) => `<tr><td class="key">${clean(key)}</td><td>${clean(text)}</td></tr>`);
      return picture(figure, Number(tile)) + `<table>${rows.join("")}</table>`;
    }};
  }

  /* ---- files: SVG and PNG of a figure */

  /* The tiles of a grid, each as a picture of its own. In a page that was made for files they stand in the data as they are. */
  async function cutOut(figure, rows) {
    const {columns, width, height} = sheets[figure.sheet], picture = new Image();
    const probe = document.body.appendChild(Object.assign(document.createElement("i"), {className: `sheet-${figure.sheet}`}));
    picture.src = getComputedStyle(probe).backgroundImage.slice('url("'.length, -'")'.length);
    probe.remove();
    await picture.decode();
    const canvas = Object.assign(document.createElement("canvas"), {width, height}), brush = canvas.getContext("2d");
    for (const row of rows) {
      const x = (row.tile - 1) % columns, y = Math.floor((row.tile - 1) / columns);
      brush.drawImage(picture, x * width, y * height, width, height, 0, 0, width, height);
      row.image = canvas.toDataURL();
    }
  }

  async function drawOnPaper(name, width) {
    const figure = figures.get(name), scratch = document.createElement("div"), spec = onPaper(figure, width);
    if (spec.data.values.some((row) => row.image === "")) await cutOut(figure, spec.data.values);
    const result = await hourglassCharts.embed(scratch, spec, {actions: false, renderer: "none"});
    const svg = await result.view.toSVG(), png = await result.view.toImageURL("png", 3);
    result.finalize();
    return {svg, png};
  }
  globalThis.hourglassFigure = drawOnPaper; /* for `hourglass report --figures` */

  function save(name, address) {
    const link = Object.assign(document.createElement("a"), {href: address, download: name});
    document.body.appendChild(link).click();
    link.remove();
  }

  async function saveAs(name, format) {
    const files = await drawOnPaper(name);
    if (format === "png") return save(`${name}.png`, files.png);
    const address = URL.createObjectURL(new Blob([files.svg], {type: "image/svg+xml"}));
    save(`${name}.svg`, address);
    setTimeout(() => URL.revokeObjectURL(address), 10000);
  }

  function addButtons(element) {
    const buttons = Object.assign(document.createElement("div"), {className: "save"});
    for (const format of ["svg", "png"]) {
      const button = Object.assign(document.createElement("button"),
                                   {type: "button", textContent: format.toUpperCase(), title: `Save as ${format.toUpperCase()}`});
      button.addEventListener("click", () => saveAs(element.dataset.figure, format));
      buttons.append(button);
    }
    element.closest("figure").append(buttons);
  }

  /* ---- drawing: what stands in a closed part of the page waits until it is opened */

  const MANY = 600; /* marks beyond which a canvas is lighter than SVG */
  const views = new Map();

  async function draw(element) {
    const figure = figures.get(element.dataset.figure), width = element.clientWidth;
    if (width === 0) return;
    views.get(element)?.view.finalize();
    const canvas = Boolean(figure.spec.usermeta?.points) && figure.data.rows > MANY, spec = fitted(figure, width);
    const result = await hourglassCharts.embed(element, canvas ? coloured(spec, document.documentElement) : spec,
      {actions: false, renderer: canvas ? "canvas" : "svg", defaultStyle: false, tooltip: tooltip(figure)});
    views.set(element, {view: result, width, canvas});
    if (!element.dataset.drawn) addButtons(element);
    element.dataset.drawn = "yes";
  }

  /* One that fails does not keep the others from being drawn. */
  async function tryToDraw(element) {
    try {
      await draw(element);
    } catch (error) {
      console.error(`${element.dataset.figure}: ${error.stack}`);
      views.delete(element);
      element.dataset.drawn = "failed";
      element.textContent = "This chart could not be drawn; the browser's console tells why.";
    }
  }

  /* Drawn for another width or theme while it was hidden counts as not drawn. */
  function isWaiting(element) {
    const drawn = views.get(element);
    if (element.clientWidth === 0) return false;
    return drawn ? drawn.faded || element.clientWidth !== drawn.width : !element.dataset.drawn;
  }

  const waiting = (scope) => [...scope.querySelectorAll(".plot")].filter(isWaiting);

  async function drawAll(scope) {
    for (const element of waiting(scope)) if (isWaiting(element)) await tryToDraw(element);
  }

  /* A canvas keeps the colours of the theme it was drawn in. */
  function fade() {
    for (const drawn of views.values()) drawn.faded = drawn.canvas;
    drawAll(document);
  }

  let pending;
  addEventListener("resize", () => {
    clearTimeout(pending);
    pending = setTimeout(() => drawAll(document), 150);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", fade);
  for (const one of document.querySelectorAll("details")) one.addEventListener("toggle", () => one.open && drawAll(one));

  /* A link to something folded opens it. */
  function openTarget() {
    const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    for (let one = target; one; one = one.parentElement) if (one.tagName === "DETAILS") one.open = true;
    if (target) target.scrollIntoView();
  }
  addEventListener("hashchange", openTarget);
  document.addEventListener("click", (event) => event.target.closest?.("a[href^='#']") && setTimeout(openTarget));
  openTarget();

  addEventListener("beforeprint", () => {
    for (const one of document.querySelectorAll("details")) one.open = true;
  });

  /* For tests: opens everything and draws it. */
  globalThis.hourglassOpenAll = async () => {
    for (const one of document.querySelectorAll("details")) one.open = true;
    await drawAll(document);
  };

  for (const table of document.querySelectorAll("table[data-figure]")) addButtons(table);
  drawAll(document).then(() => { document.documentElement.dataset.charts = "drawn"; });
})();
