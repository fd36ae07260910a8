'use strict';

// The style of the page of metrics, light and dark.

module.exports = `
:root {
  color-scheme: light dark;
  --page: #f5f6f8; --card: #ffffff; --edge: #e3e6eb; --ink: #12161c; --soft: #5a6472; --grid: #eceef2;
  --blue: #2563eb; --red: #dc4a26; --green: #13855a; --violet: #7446d8; --amber: #b26a00; --calm: #b9c6dc;
  --shadow: 0 1px 2px rgb(16 24 40 / 5%), 0 4px 16px rgb(16 24 40 / 4%);
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0d1117; --card: #151b23; --edge: #262e39; --ink: #e8ecf1; --soft: #97a3b3; --grid: #222a34;
    --blue: #6ea3ff; --red: #ff8562; --green: #45c493; --violet: #ad8cff; --amber: #f0b454; --calm: #3d4d66;
    --shadow: none;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); line-height: 1.45;
  font: 15px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 1160px; margin: 0 auto; padding: 36px 24px 48px; }
header { margin-bottom: 24px; }
h1 { margin: 0 0 4px; font-size: 26px; letter-spacing: -0.02em; }
h2 { margin: 0; font-size: 15px; font-weight: 620; }
header p, .sub, footer { margin: 0; color: var(--soft); }
header code { font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; overflow-wrap: anywhere; }
.sub { font-size: 13px; }
.grid-2, .tiles { display: grid; gap: 16px; margin-bottom: 16px; }
.tiles { grid-template-columns: repeat(auto-fit, minmax(190px, 1fr)); }
.grid-2 { grid-template-columns: repeat(auto-fit, minmax(min(100%, 440px), 1fr)); }
.card { margin: 0; padding: 18px 20px; background: var(--card); border: 1px solid var(--edge);
  border-radius: 12px; box-shadow: var(--shadow); min-width: 0; }
.card + .card.wide { margin-top: 16px; }
.wide { margin-bottom: 16px; }
.tile { padding: 16px 18px 14px; display: flex; flex-direction: column; }
.tile .name { color: var(--soft); font-size: 13px; }
.tile .value { font-size: 28px; font-weight: 640; letter-spacing: -0.02em; font-variant-numeric: tabular-nums; }
.tile .change { font-size: 12.5px; color: var(--soft); min-height: 19px; }
.change .better { color: var(--green); font-weight: 600; }
.change .worse { color: var(--red); font-weight: 600; }
.tile svg { margin-top: 10px; }
svg { display: block; width: 100%; height: auto; }
svg.spark { height: 30px; }
figure svg { margin-top: 12px; }
.tick { font-size: 11.5px; fill: var(--soft); font-variant-numeric: tabular-nums; }
.grid { stroke: var(--grid); stroke-width: 1; }
.grid.base { stroke: var(--edge); }
.line { fill: none; stroke: var(--hue); stroke-width: 2.25; stroke-linejoin: round; stroke-linecap: round;
  vector-effect: non-scaling-stroke; }
.spark .line { stroke-width: 1.75; }
.area { fill: var(--hue); opacity: 0.11; }
.dot { fill: var(--hue); opacity: 0.5; }
.hover { fill: var(--ink); opacity: 0; }
.hover:hover { opacity: 0.06; }
.lower { fill: var(--calm); }
.upper { fill: var(--hue); }
.blue { --hue: var(--blue); } .red { --hue: var(--red); } .green { --hue: var(--green); }
.violet { --hue: var(--violet); } .amber { --hue: var(--amber); }
.key { display: inline-flex; align-items: center; gap: 6px; margin-right: 14px; }
.key i { width: 10px; height: 10px; border-radius: 3px; background: var(--calm); }
.key i.hue { background: var(--hue); }
.scroll { overflow-x: auto; margin-top: 12px; }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
th { color: var(--soft); font-weight: 500; font-size: 12.5px; text-align: left; white-space: nowrap; }
th, td { padding: 8px 14px 8px 0; border-bottom: 1px solid var(--grid); }
tr:last-child td { border-bottom: 0; }
th:last-child, td:last-child { padding-right: 0; }
.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.name { min-width: 96px; max-width: 280px; overflow-wrap: anywhere; font-weight: 500; }
td.bar { width: 34%; min-width: 110px; }
td.trend, th.trend { width: 150px; min-width: 116px; padding-left: 14px; }
svg.share { height: 10px; border-radius: 5px; overflow: hidden; }
.track { fill: var(--grid); }
.fill { fill: var(--hue); }
td svg.spark { height: 24px; }
summary { cursor: pointer; font-weight: 620; }
footer { font-size: 12.5px; margin-top: 20px; }
.empty { padding: 48px 20px; text-align: center; color: var(--soft); }
@media (max-width: 720px) {
  main { padding: 24px 14px 32px; }
  .tiles { grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); }
  th:nth-child(2):empty, td.bar, th.trend, td.trend { display: none; }
}
@media (max-width: 520px) {
  figure svg { overflow: visible; }
  .tick { font-size: 16px; }
  th, th.n { white-space: normal; vertical-align: bottom; }
  th, td { padding-right: 10px; }
}
@media print { body { background: #fff; } .card { break-inside: avoid; box-shadow: none; } }
`;
