/** Style sheet of the report page: one column, light and dark, prints well. Colours are those of the charts. */
import { DARK, LIGHT } from '../charts/theme.ts';

function variables(colours: Readonly<Record<string, string>>): string {
  return Object.entries(colours)
    .map(([name, value]) => `--${name}:${value}`)
    .join(';');
}

export const PAGE_STYLE = `
:root{color-scheme:light dark;${variables(LIGHT)};--panel:#f6f7f9}
@media (prefers-color-scheme:dark){:root{${variables(DARK)};--panel:#1c1f25}}
*{box-sizing:border-box}
body{margin:0;background:var(--surface);color:var(--ink);font:15px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,Helvetica,Arial,sans-serif}
main{max-width:940px;margin:0 auto;padding:32px 24px 64px}
h1{font-size:26px;line-height:1.25;margin:0 0 4px}
h2{font-size:19px;margin:44px 0 8px;padding-top:12px;border-top:1px solid var(--grid)}
p{margin:6px 0 12px}
.lead{color:var(--muted);margin:0 0 20px}
.why{color:var(--muted);max-width:75ch}
nav{display:flex;flex-wrap:wrap;gap:4px 16px;font-size:14px;margin:14px 0 0}
a{color:inherit;text-decoration-color:var(--axis);text-underline-offset:3px}
a:hover{text-decoration-color:currentColor}
.tiles{display:grid;grid-template-columns:repeat(auto-fill,minmax(205px,1fr));gap:10px;margin:18px 0}
.tile{background:var(--panel);border-radius:8px;padding:12px 14px}
.tile b{display:block;font-size:22px;line-height:1.25;font-weight:600;font-variant-numeric:tabular-nums}
.tile span{color:var(--muted);font-size:13px}
.tile i{display:block;color:var(--muted);font-size:12px;font-style:normal;line-height:1.35;margin-top:4px}
.scroll{overflow-x:auto;margin:10px 0 16px}
table{border-collapse:collapse;width:100%;font-size:14px}
th{text-align:left;font-weight:600;color:var(--muted);font-size:13px;white-space:nowrap}
th,td{padding:6px 18px 6px 0;border-bottom:1px solid var(--grid);vertical-align:top}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap;padding-left:12px}
td:last-child,th:last-child{padding-right:0}
code{font:12.5px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;white-space:nowrap}
code.hash{white-space:normal;overflow-wrap:anywhere}
figure{margin:18px 0 30px;overflow-x:auto}
figure svg{display:block;width:100%;min-width:640px;height:auto}
figcaption{color:var(--muted);font-size:14px;max-width:75ch;padding:4px 16px 0}
.bar{display:flex;height:14px;border-radius:4px;overflow:hidden;margin:10px 0 6px}
ul{padding-left:20px}
footer{color:var(--muted);font-size:13px;margin-top:48px;border-top:1px solid var(--grid);padding-top:12px}
@media print{main{max-width:none;padding:0}figure svg{min-width:0}figure{break-inside:avoid}nav{display:none}}
`.trim();
