// What every page needs: the theme switch, menus, copy buttons, tabs, lists with a keyboard, forms that warn, ages that
// grow. What only one page needs (charts above all) is loaded by that page alone.
import htmx from "htmx.org";
import { startAlerts } from "./alerts";
import { confirmations } from "./confirm";
import { copyButtons, menus, passwordToggles, tabs, themeSwitch } from "./controls";
import { startDeviceList, watchDeviceList } from "./devicelist";
import { startFreshness } from "./freshness";
import { startHome } from "./home";
import { lists } from "./list";
import { systemPage } from "./system";

// The pages' policy forbids eval and inline styles; scripts in answers would be dead anyway.
htmx.config.allowEval = false;
htmx.config.allowScriptTags = false;
htmx.config.includeIndicatorStyles = false;
htmx.config.selfRequestsOnly = true;
htmx.config.historyCacheSize = 0;

themeSwitch();
document.querySelector(".bar nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" }); // a phone shows four of them
menus();
copyButtons();
passwordToggles();
tabs();
confirmations();
lists();
startFreshness();
startDeviceList();
watchDeviceList();
startHome();
startAlerts();
systemPage();
document.body.addEventListener("htmx:load", () => startDeviceList());

if (document.querySelector("[data-page=device]")) void import("./device").then((page) => page.startDevicePage());
if (document.querySelector("#board")) void import("./board/page").then((page) => page.startDashboard());
if (document.querySelector("[data-page=wall]")) void import("./wall/wall").then((page) => page.startWall());
if (document.querySelector("[data-page=pair]")) void import("./wall/pair").then((page) => page.startPairing());
if (document.querySelector("[data-page=alert]")) void import("./alert").then((page) => page.startAlertPage());
if (document.querySelector("#past")) void import("./past").then((page) => page.startPast());
if (document.querySelector("#export")) void import("./export").then((page) => page.startExport());
if (document.querySelector("#rule")) void import("./rulenames").then((page) => page.startRuleNames());
if (document.querySelector("#connect")) void import("./connect").then((page) => page.startConnect());
