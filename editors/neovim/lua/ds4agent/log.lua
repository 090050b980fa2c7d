-- A buffer that grows at a place: replies and events are written there while they come.
--
-- Windows that show the end follow it; in others nothing moves. The place is an extmark, so whoever types
-- elsewhere in the buffer disturbs nothing.
local api = vim.api

---@class ds4agent.Log
---@field buf integer
---@field mark integer
local Log = {}
Log.__index = Log

local namespace = api.nvim_create_namespace("ds4agent.log")
-- In front of every line of reasoning, by which it is folded.
Log.BAR = "┆ "

--- A buffer in a window of its own, shown as markdown.
---@param name string
---@return ds4agent.Log
function Log.open(name)
  local buf = api.nvim_create_buf(true, true)
  api.nvim_buf_set_name(buf, name)
  vim.bo[buf].bufhidden = "hide"
  vim.bo[buf].swapfile = false
  vim.bo[buf].filetype = "markdown"
  pcall(vim.treesitter.start, buf, "markdown")
  local self = setmetatable({ buf = buf, mark = api.nvim_buf_set_extmark(buf, namespace, 0, 0, {}) }, Log)
  self:focus()
  return self
end

--- Whether it is there. One that was deleted (|:bdelete|) has a buffer without text, and no place in it.
function Log:valid() return api.nvim_buf_is_loaded(self.buf) end

local function fold(window)
  local set = vim.wo[window][0]
  set.foldmethod = "expr"
  set.foldexpr = "v:lua.require'ds4agent.log'.foldexpr(v:lnum)"
  set.foldtext = "v:lua.require'ds4agent.log'.foldtext()"
  set.foldlevel = 0
  set.wrap, set.linebreak, set.conceallevel = true, true, 2
end

--- Go to its window; one is opened beside the current one if there is none.
function Log:focus()
  local window = vim.fn.bufwinid(self.buf)
  if window ~= -1 then
    return api.nvim_set_current_win(window)
  end
  vim.cmd("botright vsplit")
  api.nvim_win_set_buf(0, self.buf)
  fold(0)
end

--- Where text is added, from 0.
---@return integer row
---@return integer column
function Log:at()
  local found = api.nvim_buf_get_extmark_by_id(self.buf, namespace, self.mark, {})
  return found[1], found[2]
end

--- Have text added at the buffer's end from now on.
function Log:rewind()
  local last = api.nvim_buf_line_count(self.buf) - 1
  local line = api.nvim_buf_get_lines(self.buf, last, last + 1, false)[1]
  api.nvim_buf_set_extmark(self.buf, namespace, last, #line, { id = self.mark })
end

local function followers(buf)
  local count = api.nvim_buf_line_count(buf)
  return vim.tbl_filter(
    function(window) return api.nvim_win_get_cursor(window)[1] == count end,
    vim.fn.win_findbuf(buf)
  )
end

---@param text string
function Log:add(text)
  if not self:valid() then
    return
  end
  local windows = followers(self.buf)
  local row, column = self:at()
  local lines = vim.split(text, "\n", { plain = true })
  local locked = not vim.bo[self.buf].modifiable
  vim.bo[self.buf].modifiable = true
  api.nvim_buf_set_text(self.buf, row, column, row, column, lines)
  vim.bo[self.buf].modifiable = not locked
  vim.bo[self.buf].modified = false
  for _, window in ipairs(windows) do
    api.nvim_win_set_cursor(window, { api.nvim_buf_line_count(self.buf), 0 })
  end
end

--- Begin a paragraph: a blank line before it, unless there is one.
function Log:paragraph(text)
  if not self:valid() then
    return
  end
  local row, column = self:at()
  local above = api.nvim_buf_get_lines(self.buf, math.max(0, row - 1), row + 1, false)
  local gap = column > 0 and "\n\n" or (row > 0 and above[1] ~= "" and "\n" or "")
  self:add(gap .. text)
end

---@param line integer
function Log.foldexpr(line) return vim.startswith(vim.fn.getline(line), Log.BAR) and 1 or 0 end

function Log.foldtext()
  local count = vim.v.foldend - vim.v.foldstart + 1
  return ("%s%d %s: %s"):format(
    Log.BAR,
    count,
    count == 1 and "line" or "lines",
    vim.fn.getline(vim.v.foldstart):sub(#Log.BAR + 1)
  )
end

return Log
