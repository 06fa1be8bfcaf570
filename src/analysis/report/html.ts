/** Small pieces of HTML as text, with everything that came from outside escaped. */

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Marks text that is HTML already. */
export interface Html {
  readonly html: string;
}

export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (letter) => ENTITIES[letter] ?? letter);
}

/** Template tag: `html\`<p>${text}</p>\`` escapes every value that is not `Html`; arrays are joined. */
export function html(
  parts: TemplateStringsArray,
  ...values: readonly (string | number | Html | readonly Html[])[]
): Html {
  const text = parts.map((part, index) => {
    const value = values[index];
    return part + (value === undefined ? '' : print(value));
  });
  return { html: text.join('') };
}

function print(value: string | number | Html | readonly Html[]): string {
  if (typeof value === 'string') return escapeHtml(value);
  if (typeof value === 'number') return String(value);
  if ('html' in value) return value.html;
  return value.map((part) => part.html).join('');
}

export interface Column {
  readonly header: string;
  /** Numbers stand right, so that their places line up. */
  readonly numeric?: boolean;
}

/** A table whose cells are plain text or HTML. */
export function renderTable(
  columns: readonly Column[],
  rows: readonly (readonly (string | Html)[])[],
): Html {
  const style = (index: number): Html =>
    columns[index]?.numeric ? { html: ' class="n"' } : { html: '' };
  const head = columns.map(({ header }, i) => html`<th scope="col"${style(i)}>${header}</th>`);
  const body = rows.map(
    (row) => html`<tr>${row.map((cell, i) => html`<td${style(i)}>${cell}</td>`)}</tr>\n`,
  );
  return html`<div class="scroll"><table><thead><tr>${head}</tr></thead><tbody>\n${body}</tbody></table></div>`;
}
