-- How much of the rest a key takes.
return {
  all = function(rest) return rest end,
  line = function(rest) return rest:match("^\n?[^\n]*") end,
  -- White space, then a word or what is none, by 'iskeyword'; a line's end goes with the next line's beginning.
  word = function(rest) return vim.fn.matchstr(rest, [[^\_s*\%(\k\+\|\%(\k\@!\S\)\+\)]]) end,
}
