/* Draws what dicomhub/console/charts.py describes, with the Chart.js that unfold ships. */
"use strict";

/* Okabe and Ito's colours, which people with any colour vision tell apart, without the two that paper or night swallows. */
const COLOURS = ["#0284c7", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#8b5cf6"];
const REST = "#94a3b8";
const UNITS = ["bytes", "KB", "MB", "GB", "TB", "PB"];

function bytes(value) {
    const power = value < 1 ? 0 : Math.min(Math.floor(Math.log2(value) / 10), UNITS.length - 1);
    const scaled = value / 1024 ** power;
    return `${scaled.toLocaleString("en-US", { maximumFractionDigits: power && scaled < 100 ? 1 : 0 })} ${UNITS[power]}`;
}

const WRITTEN = {
    bytes,
    count: (value) => value.toLocaleString("en-US"),
    milliseconds: (value) => `${value.toLocaleString("en-US", { maximumFractionDigits: value < 10 ? 1 : 0 })} ms`,
};

function datasets(chart) {
    return chart.series.map((series, number) => {
        const colour = series.is_rest ? REST : COLOURS[number % COLOURS.length];
        const line = { fill: true, backgroundColor: `${colour}22`, borderColor: colour, borderWidth: 2, pointRadius: chart.labels.length > 1 ? 0 : 3 };
        const bar = { backgroundColor: colour, maxBarThickness: 28 };
        return { label: series.name, data: series.values, ...(chart.shape === "line" ? line : bar) };
    });
}

/* The axis of bytes has its lines at 1, 2, 5, ... of a unit, where people look for them. */
function stepOf(chart) {
    if (chart.unit !== "bytes") return undefined;
    const most = Math.max(...chart.labels.map((_, place) => chart.series.reduce((sum, series) => sum + series.values[place], 0)));
    if (!(most > 0)) return undefined;
    const unit = 1024 ** Math.floor(Math.log2(most) / 10);
    const rough = most / unit / 5;
    const ten = 10 ** Math.floor(Math.log10(rough));
    return unit * ten * [1, 2, 5, 10].find((step) => step * ten >= rough);
}

function options(chart, colours) {
    const written = WRITTEN[chart.unit];
    const isLying = chart.shape === "bars";
    const isStacked = chart.shape !== "line";
    const labels = { grid: { display: false }, border: { color: colours.line }, stacked: isStacked, ticks: { color: colours.text, maxRotation: 0, autoSkipPadding: 12, autoSkip: !isLying } };
    const numbers = { beginAtZero: true, grid: { color: colours.line }, border: { display: false }, stacked: isStacked, ticks: { color: colours.text, callback: written, precision: 0, stepSize: stepOf(chart), maxTicksLimit: 8, maxRotation: 0 } };
    if (isLying) labels.ticks.callback = function (value) {
        const label = this.getLabelForValue(value);
        return label.length > 36 ? `${label.slice(0, 35)}…` : label;
    };
    return {
        animation: false,
        indexAxis: isLying ? "y" : "x",
        interaction: { mode: "index", axis: isLying ? "y" : "x", intersect: false },
        maintainAspectRatio: false,
        plugins: {
            legend: { display: chart.series.length > 1, position: "bottom", align: "start", labels: { color: colours.text, boxWidth: 12, boxHeight: 12 } },
            tooltip: {
                filter: (item) => chart.series.length === 1 || item.raw > 0,
                callbacks: { label: (item) => `${item.dataset.label}: ${written(item.raw)}` },
            },
        },
        scales: isLying ? { x: numbers, y: labels } : { x: labels, y: numbers },
    };
}

function coloursOfPage() {
    const style = getComputedStyle(document.documentElement);
    const isDark = document.documentElement.classList.contains("dark");
    return {
        text: style.getPropertyValue(isDark ? "--color-font-default-dark" : "--color-font-default-light").trim(),
        line: style.getPropertyValue(isDark ? "--color-base-700" : "--color-base-200").trim(),
    };
}

function draw() {
    Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
    const drawn = [...document.querySelectorAll(".dashboard-charts figure")].map((figure) => {
        const chart = JSON.parse(figure.querySelector("script").textContent);
        const type = chart.shape === "line" ? "line" : "bar";
        const data = { labels: chart.labels, datasets: datasets(chart) };
        return [chart, new Chart(figure.querySelector("canvas"), { type, data, options: options(chart, coloursOfPage()) })];
    });
    /* Light and dark change while the page is open. */
    new MutationObserver(() => {
        for (const [chart, canvas] of drawn) {
            canvas.options = options(chart, coloursOfPage());
            canvas.update();
        }
    }).observe(document.documentElement, { attributeFilter: ["class"] });
}

draw();
