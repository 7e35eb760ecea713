import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeStyle } from './style.js';
import { type Column, renderRecord, renderTable } from './table.js';
import { width } from './text.js';

interface Row {
  readonly id: string;
  readonly state: string | null;
  readonly count: number;
}

const COLUMNS: readonly Column<Row>[] = [
  { title: 'id', value: (row) => row.id, shrinks: 'last' },
  { title: 'state', value: (row) => row.state, tone: (row) => (row.state === 'failed' ? 'bad' : 'good') },
  { title: 'count', value: (row) => row.count, align: 'right' },
];
const ROWS: readonly Row[] = [
  { id: 'short', state: 'failed', count: 7 },
  { id: 'a-name-that-goes-on-and-on', state: null, count: 1200 },
];
const PLAIN = makeStyle({ colour: false, unicode: true });

test('a table aligns its columns and shows what is absent as a dash', () => {
  assert.deepEqual(renderTable(COLUMNS, ROWS, { style: PLAIN, width: null }), [
    'ID                          STATE   COUNT',
    'short                       failed      7',
    'a-name-that-goes-on-and-on  -        1200',
  ]);
});

test('on a terminal a table fits, by narrowing what may shrink', () => {
  assert.deepEqual(renderTable(COLUMNS, ROWS, { style: PLAIN, width: 30 }), [
    'ID               STATE   COUNT',
    'short            failed      7',
    'a-name-that-go…  -        1200',
  ]);
  for (let columns = 24; columns < 60; columns++) {
    for (const line of renderTable(COLUMNS, ROWS, { style: PLAIN, width: columns })) {
      assert.ok(width(line) <= columns, `${columns}: ${line}`);
    }
  }
});

test('a column is never narrowed under eight columns, even if the table does not fit then', () => {
  assert.equal(renderTable(COLUMNS, ROWS, { style: PLAIN, width: 5 })[2], 'a-name-…  -        1200');
});

test('a cell cannot bring colours or line breaks of its own', () => {
  const rows = [{ id: '\u001b[31mx\ny', state: 'ok', count: 1 }];
  assert.equal(renderTable(COLUMNS, rows, { style: PLAIN, width: null })[1], 'x ⏎ y  ok         1');
});

test('colour is put around the cell as aligned, so that columns stay straight', () => {
  const lines = renderTable(COLUMNS, ROWS, {
    style: makeStyle({ colour: true, unicode: true }),
    width: null,
  });
  assert.equal(lines[1], 'short                       \u001b[31mfailed\u001b[39m      7');
});

test('a record indents the further lines of a value', () => {
  assert.deepEqual(
    renderRecord(
      [
        ['id', 'x'],
        ['inputs', 'a = 1\nb = 2'],
      ],
      PLAIN,
    ),
    ['id      x', 'inputs  a = 1', '        b = 2'],
  );
});

test('columns that shrink last keep their width while others can give', () => {
  const columns: readonly Column<readonly [string, string]>[] = [
    { title: 'id', value: (row) => row[0], shrinks: 'last' },
    { title: 'text', value: (row) => row[1], shrinks: 'first' },
  ];
  const rows = [['a-rather-long-id', 'some text that goes on']] as const;
  const at = (columnsOfTerminal: number): string | undefined =>
    renderTable(columns, rows, { style: PLAIN, width: columnsOfTerminal })[1];
  assert.equal(at(30), 'a-rather-long-id  some text t…');
  assert.equal(at(26), 'a-rather-long-id  some te…');
  assert.equal(at(24), 'a-rather-long…  some te…');
});
