/// How the page looks: quiet, for light and dark screens and for paper.
///
/// The colours are those of Okabe and Ito ("Color universal design", 2008), darkened on white and lightened on black
/// until a thin line is seen.
enum ReportStyle {
    static let css: HTML = """

        :root{--paper:#fff;--ink:#1c2126;--second:#5b646e;--rule:#dfe3e7;--grid:#eceff1;--soft:#f6f7f9;--bad:#b3470a;\
        --heat:0 114 178;--c1:#0072b2;--c2:#d55e00;--c3:#008f68;--c4:#b8568f;--c5:#c08000;--c6:#3a9fd9;--c7:#7a7420;\
        --c8:#6b4fa0;--many:#9aa4ae}
        @media (prefers-color-scheme:dark){:root{--paper:#14181c;--ink:#e8ebee;--second:#9ba5af;--rule:#2d343b;\
        --grid:#232a30;--soft:#1a1f24;--bad:#f29a5c;--heat:86 180 233;--c1:#4fa9e3;--c2:#f0884a;--c3:#2fc79c;\
        --c4:#dd93c1;--c5:#eab030;--c6:#a5daf8;--c7:#c9c25c;--c8:#ab95de;--many:#76818c}}
        *{box-sizing:border-box}
        body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 Inter,system-ui,-apple-system,"Segoe UI",\
        Roboto,"Helvetica Neue",Arial,sans-serif;font-variant-numeric:tabular-nums lining-nums;\
        -webkit-text-size-adjust:100%}
        main{max-width:1080px;margin:0 auto;padding:44px 28px 32px}
        h1{font-size:30px;line-height:1.2;font-weight:650;letter-spacing:-.015em;margin:0;overflow-wrap:anywhere}
        h2{font-size:18px;font-weight:650;letter-spacing:-.005em;margin:0 0 14px}
        h3{font-size:15px;font-weight:600;margin:0;display:inline}
        section{margin-top:44px}
        .over{margin:0 0 4px;color:var(--second)}
        .note,.none{color:var(--second);font-size:13px;margin:0 0 12px}
        .tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:1px;margin-top:28px;\
        background:var(--rule);border:1px solid var(--rule);border-radius:8px;overflow:hidden}
        .tile{background:var(--paper);padding:14px 16px 12px;display:flex;flex-direction:column}
        .tile span,.tile small{font-size:13px;color:var(--second);line-height:1.4}
        .tile b{font-size:24px;font-weight:600;letter-spacing:-.015em;line-height:1.45;white-space:nowrap}
        .tile.main b{color:var(--c1)}
        .facts{display:grid;grid-template-columns:repeat(auto-fill,minmax(420px,1fr));gap:10px 32px;margin:-16px 0 0}
        .facts div{display:grid;grid-template-columns:96px 1fr;gap:12px}
        dt{color:var(--second)}
        dd{margin:0;overflow-wrap:anywhere}
        figure{margin:0 0 30px}
        figcaption{margin-bottom:2px}
        figcaption span{color:var(--second);font-size:13px;margin-left:10px}
        svg{display:block;width:100%;height:auto;overflow:visible}
        svg text{font-size:12.5px;fill:var(--ink)}
        svg .tick,svg .note{fill:var(--second);font-size:12px}
        .end{text-anchor:end}.middle{text-anchor:middle}
        .grid{stroke:var(--grid);fill:none}.axis{stroke:var(--many);fill:none}
        .mark{stroke:var(--many);stroke-dasharray:2 3;fill:none}
        .line path{fill:none;stroke:var(--line,var(--second));stroke-width:1.6;stroke-linejoin:round;\
        stroke-linecap:round}
        .line circle{fill:var(--line,var(--second))}
        .line .bridge{stroke-width:1;stroke-dasharray:1 3.5;opacity:.8}
        .line.many path{stroke-width:1;opacity:.55}.line.many circle{opacity:.55}
        .line.global path{stroke-width:3}.line.global .bridge{stroke-width:1.5}
        .global{--line:var(--ink)}.many{--line:var(--many)}
        .c1{--line:var(--c1)}.c2{--line:var(--c2)}.c3{--line:var(--c3)}.c4{--line:var(--c4)}.c5{--line:var(--c5)}\
        .c6{--line:var(--c6)}.c7{--line:var(--c7)}.c8{--line:var(--c8)}
        .thread{fill:none;stroke:var(--line);opacity:.5}
        .swatch{fill:none;stroke:var(--line);stroke-width:2.5}.swatch.global{stroke-width:4}
        svg .name.global{font-weight:650}
        svg .value{fill:var(--second);font-weight:400}
        .p1{fill:var(--c1)}.p2{fill:var(--c5)}.p3{fill:var(--c3)}.p4{fill:var(--c4)}\
        .p5{fill:var(--c6)}.p6{fill:var(--c2)}.p7{fill:var(--c7)}.p8{fill:var(--c8)}
        .k1{background:var(--c1)}.k2{background:var(--c2)}.k3{background:var(--c3)}.k4{background:var(--c4)}\
        .k5{background:var(--c5)}.k6{background:var(--c6)}.k7{background:var(--c7)}.k8{background:var(--c8)}
        .wide{overflow-x:auto}
        table{border-collapse:collapse;width:100%;font-size:14px;line-height:1.35}
        th{text-align:left;font-weight:500}
        thead th{color:var(--second);font-size:13px;font-weight:500;vertical-align:bottom;white-space:nowrap}
        th,td{padding:7px 14px 7px 0;border-bottom:1px solid var(--rule);vertical-align:top}
        th:last-child,td:last-child{padding-right:0}
        .n{text-align:right;white-space:nowrap}
        td b{font-weight:650}
        tbody th small,td small{display:block;font-size:12px;color:var(--second);font-weight:400}
        .bad,tbody th small.bad{color:var(--bad)}
        tbody th small.bad{max-width:300px}
        .chip{display:inline-block;width:10px;height:10px;border-radius:2px;margin-right:8px}
        .spark{width:120px;height:24px;margin:-3px 0}
        .spark .line path{stroke-width:1.3}
        table.scores{width:auto}
        .scores{margin-bottom:14px}.scores td.n+td.n{min-width:78px}
        .scores td.first,.scores th.first,.scores .group{padding-left:22px}
        .scores .group{border-bottom:0;padding-bottom:0}.scores .group h3{color:var(--ink);margin-right:6px}
        .scores thead tr:first-child th{border-bottom:0;padding-bottom:0}
        .matrix{width:auto}
        .matrix td.cell{padding:7px 12px;border-bottom:1px solid var(--paper);min-width:72px;\
        border-right:1px solid var(--paper)}
        .matrix thead th.n{white-space:normal;max-width:120px;padding-right:12px}
        .matrix tbody th{white-space:nowrap;padding-right:18px}
        .matrix td.own{outline:1.5px solid var(--second);outline-offset:-2px}
        .matrix .hole{color:var(--second);background:var(--soft)}
        .matrix .total th,.matrix .total td{border-top:1px solid var(--rule);border-bottom:0;color:var(--second)}
        .matrix.dense{font-size:12px}
        .matrix.dense td.cell{padding:6px 4px;min-width:0}
        .matrix .upright{padding:0 0 6px}
        .upright span{writing-mode:vertical-rl;transform:rotate(180deg);display:inline-block;margin-left:calc(50% - .7em)}
        sup{font-size:.75em;line-height:0;margin-left:1px}
        .reasons{color:var(--second);font-size:13px;margin:10px 0 0;padding-left:20px}
        .failures .n{padding-right:28px}.failures td:nth-child(2){width:44%;overflow-wrap:anywhere}
        .warning{border:1px solid var(--bad);color:var(--bad);border-radius:6px;padding:8px 12px;margin:0 0 16px}
        .overlays figure{max-width:976px;margin-bottom:26px}
        .overlays img{max-width:100%;height:auto;display:block;border-radius:6px}
        .overlays figcaption{margin-bottom:6px}
        footer{margin-top:52px;padding-top:14px;border-top:1px solid var(--rule);color:var(--second);font-size:13px}
        @media print{:root{--paper:#fff;--ink:#000;--second:#4a525b;--rule:#cfd4d9;--grid:#e6e9ec;--soft:#f3f4f6;\
        --bad:#8f3606;--heat:0 114 178;--c1:#0072b2;--c2:#d55e00;--c3:#008f68;--c4:#b8568f;--c5:#c08000;--c6:#3a9fd9;\
        --c7:#7a7420;--c8:#6b4fa0;--many:#8a939c;color-scheme:light}@page{margin:14mm}
        body{font-size:11px;print-color-adjust:exact;-webkit-print-color-adjust:exact}
        main{max-width:none;padding:0}h1{font-size:22px}h2{font-size:14px}h3{font-size:11px}footer{font-size:9.5px;margin-top:24px}section{margin-top:22px}
        h2,h3,figcaption{break-after:avoid}figure,tr,.tile,svg{break-inside:avoid}thead{display:table-header-group}
        table{font-size:10px}.note,.none,.reasons,thead th,figcaption span{font-size:9.5px}\
        td small,tbody th small,.matrix.dense{font-size:8.5px}.matrix.dense td.cell{padding:4px 3px}.matrix td.cell{min-width:0}
        .tile b{font-size:17px}.tiles{grid-template-columns:repeat(6,1fr)}.tile{padding:8px 9px}\
        .tile span,.tile small{font-size:9px}th,td{padding:4px 9px 4px 0}.wide{overflow:visible}.spark{width:80px;\
        height:16px}.facts{grid-template-columns:1fr 1fr;gap:4px 20px;margin-top:0}}

        """
}
