// What is wrong with the page as it is drawn, in words; empty if nothing is.
const wrong = [];
const root = document.documentElement;
if (root.scrollWidth > window.innerWidth) wrong.push(`it is ${root.scrollWidth} wide, the window ${window.innerWidth}`);

function told(element) {
  return [...element.childNodes].filter(node => node.nodeType === 3).map(node => node.data.trim()).join(" ").trim();
}
function channels(colour) {
  const [red, green, blue, alpha = 1] = colour.match(/[\d.]+/g).map(Number);
  return {rgb: [red, green, blue], alpha};
}
function light(rgb) {
  const [red, green, blue] = rgb.map(value => value / 255).map(value => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
function ground(element) {
  for (let each = element; each; each = each.parentElement) {
    const {rgb, alpha} = channels(getComputedStyle(each).backgroundColor);
    if (alpha > 0.99) return rgb;
  }
  return [255, 255, 255];
}
for (const element of document.body.querySelectorAll("*")) {
  const text = told(element);
  if (!text || element.closest("script, noscript, style")) continue;
  const style = getComputedStyle(element), box = element.getBoundingClientRect();
  const name = `${element.tagName.toLowerCase()} ${JSON.stringify(text.slice(0, 40))}`;
  if (!box.width || !box.height) wrong.push(`${name} cannot be seen`);
  // A wide roof can be moved sideways.
  const moves = element.closest(".roof");
  if (!moves && (box.left < -0.5 || box.right > window.innerWidth + 0.5)) wrong.push(`${name} goes over the edge`);
  const around = element.closest("svg, .tile, dd, section, .notice");
  if (around && around !== element) {
    const outer = around.getBoundingClientRect();
    if (box.left < outer.left - 0.5 || box.right > outer.right + 0.5 || box.top < outer.top - 0.5 || box.bottom > outer.bottom + 0.5) wrong.push(`${name} sticks out of ${around.tagName}`);
  }
  if (element.scrollWidth > element.clientWidth + 1 && style.display !== "inline" && !element.closest("svg")) wrong.push(`${name} is cut`);
  // In sunlight, seven to one; what is quiet and large may do with less.
  const colour = channels(element.closest("svg") ? style.fill : style.color).rgb, behind = ground(element);
  const [bright, dark] = [light(colour), light(behind)].sort((one, other) => other - one);
  const contrast = (bright + 0.05) / (dark + 0.05);
  if (contrast < 4.5) wrong.push(`${name} has a contrast of ${contrast.toFixed(1)}`);
  const drawing = element.closest("svg");
  const size = parseFloat(style.fontSize) * (drawing ? drawing.getBoundingClientRect().width / drawing.viewBox.baseVal.width : 1);
  if (size < 11) wrong.push(`${name} is ${size.toFixed(1)} px small`);
}
for (const drawing of document.querySelectorAll("svg")) {
  const texts = [...drawing.querySelectorAll("text")].map(text => [text.textContent, text.getBoundingClientRect()]);
  texts.forEach(([text, box], number) => texts.slice(number + 1).forEach(([other, beside]) => {
    if (box.left < beside.right && beside.left < box.right && box.top < beside.bottom && beside.top < box.bottom) wrong.push(`${text} and ${other} lie on each other`);
  }));
}
return wrong;
