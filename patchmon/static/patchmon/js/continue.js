// Goes on to the address that this page's link names; the link is there for browsers that do not.
const link = document.querySelector("a[data-continue]");
if (link) location.replace(link.href);
