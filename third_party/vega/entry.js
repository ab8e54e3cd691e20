/* What the page needs of Vega: one global, hourglassCharts.embed(element, spec, options). */
export {default as embed} from "vega-embed";
