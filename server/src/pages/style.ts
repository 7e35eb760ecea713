import { TOKENS } from './tokens.js';

/** How pages of the server look: the console's tokens of colour, type and space, light and dark. */
export const STYLE = `${TOKENS}
* { box-sizing: border-box }
body { margin: 0; background: var(--canvas); color: var(--fg);
  font: 400 14px/20px var(--sans) }
.top { padding: 16px 24px }
.brand { display: inline-flex; align-items: center; gap: 8px; color: var(--fg); text-decoration: none; font-weight: 600; font-size: 16px; line-height: 24px }
.mark { width: 28px; height: 28px }
.mark circle { fill: none; stroke: var(--control); stroke-width: 2 }
.mark .sun { fill: var(--sun); stroke: none }
.mark .world { fill: var(--fg); stroke: none }
main { margin: 0 auto; padding: 0 16px 48px }
.narrow { max-width: 400px; padding-top: 6vh }
.wide { max-width: 1040px }
h1 { font-size: 20px; line-height: 28px; font-weight: 600; margin: 0 0 16px }
h2 { font-size: 16px; line-height: 24px; font-weight: 600; margin: 0 0 4px }
p { margin: 0 0 12px }
.muted { color: var(--muted) }
.pane { background: var(--surface); border: 1px solid var(--line); border-radius: 8px; padding: 24px; margin: 0 0 16px }
.head { display: flex; flex-wrap: wrap; gap: 8px 24px; justify-content: space-between; align-items: baseline; margin-bottom: 16px }
.head h1, .head p { margin: 0 }
label { display: block; font-weight: 600; margin: 0 0 4px }
.hint { font-weight: 400; color: var(--muted) }
input, select { width: 100%; height: 36px; padding: 0 12px; margin: 0 0 16px; border: 1px solid var(--control); border-radius: 4px;
  background: var(--surface); color: var(--fg); font: inherit }
button, .button { display: inline-block; height: 36px; padding: 0 16px; border: 1px solid var(--accent); border-radius: 4px; background: var(--accent);
  color: var(--on-accent); font: inherit; font-weight: 600; line-height: 34px; text-decoration: none; text-align: center; cursor: pointer }
.narrow .button, .narrow form > button { width: 100% }
.quiet { background: transparent; border-color: var(--control); color: var(--fg) }
.danger { background: transparent; border-color: var(--bad); color: var(--bad) }
.small { height: 28px; line-height: 26px; padding: 0 12px; font-size: 13px }
a { color: var(--accent) }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px }
.row { display: grid; grid-template-columns: repeat(auto-fit, minmax(200px, 1fr)); gap: 0 16px; align-items: end }
.row button { margin: 0 0 16px; justify-self: start }
.pane > .row:last-child { margin-bottom: -16px }
.note { border: 1px solid var(--line); border-left: 4px solid var(--control); border-radius: 4px; background: var(--sub); padding: 12px 16px; margin: 0 0 16px }
.note.bad { border-left-color: var(--bad) }
.note.ok { border-left-color: var(--ok) }
.note.warn { border-left-color: var(--warn) }
.note p:last-child { margin: 0 }
code, .value { font: 12px/18px var(--mono) }
.value { display: block; padding: 8px 12px; border: 1px solid var(--control); border-radius: 4px; background: var(--surface); overflow-wrap: anywhere;
  user-select: all; -webkit-user-select: all; margin: 8px 0 }
/* Hidden words in it stand absolutely: without this they would widen the page. */
.scroll { overflow-x: auto; position: relative }
table { width: 100%; border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums }
th, td { text-align: left; padding: 4px 12px 4px 0; height: 36px; border-bottom: 1px solid var(--line); vertical-align: middle; white-space: nowrap }
td.name { white-space: normal; min-width: 120px; overflow-wrap: anywhere }
th { color: var(--muted); font-weight: 600; font-size: 12px }
td form { margin: 0 }
td:last-child, th:last-child { padding-right: 0; text-align: right }
/* A screen that has no room for columns: each row is a card, each cell says what it is. */
@media (max-width: 700px) {
  .cards thead { display: none }
  .cards, .cards tbody, .cards tr, .cards td { display: block }
  .cards tr { padding: 12px 0; border-bottom: 1px solid var(--line) }
  .cards tr:first-child { border-top: 1px solid var(--line) }
  .cards td { height: auto; padding: 2px 0; border: 0; white-space: normal }
  .cards td:empty { display: none }
  .cards td[data-label] { padding-left: 88px }
  .cards td[data-label]::before { content: attr(data-label); display: inline-block; width: 88px; margin-left: -88px; color: var(--muted) }
  .cards td:first-child { font-weight: 600 }
  .cards td:last-child { text-align: left; padding-top: 8px }
}
.or { display: flex; align-items: center; gap: 12px; color: var(--muted); margin: 16px 0 }
.or::before, .or::after { content: ""; flex: 1; border-top: 1px solid var(--line) }
.stack { display: grid; gap: 8px }
details summary { cursor: pointer; margin-bottom: 12px; color: var(--accent) }
.inline { display: flex; flex-wrap: wrap; gap: 8px }
.visually-hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap }
`;
