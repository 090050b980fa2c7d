-- What a message is about, named in its text: @file, @symbol and @diagnostics, of the file the chat was opened from.
local api = vim.api
local client = require("ds4agent.client")

local M = {}

M.KINDS = { "file", "symbol", "diagnostics" }

-- Of the window's file; `symbol` is the one around its cursor.
local function context(kind, found)
  local buf = api.nvim_get_current_buf()
  local whole = { 1, api.nvim_buf_line_count(buf) }
  local made = { kind = kind, uri = vim.uri_from_bufnr(buf) }
  if kind == "symbol" then
    made.range = client.range(nil, found)
  elseif kind == "diagnostics" then
    made.range = client.range(whole, found)
    made.diagnostics = require("ds4agent.diagnostics").within(buf, whole, found)
  end
  return made
end

--- The contexts that a text names, and the text without the names.
---@param text string
---@param window? integer of the file
---@param found vim.lsp.Client
---@return table[] contexts
---@return string text
function M.named(text, window, found)
  local made = {}
  if not window then
    return made, text
  end
  for _, kind in ipairs(M.KINDS) do
    local rest, times = text:gsub("@" .. kind .. "%f[%W]", "")
    if times > 0 then
      table.insert(made, api.nvim_win_call(window, function() return context(kind, found) end))
      text = rest
    end
  end
  return made, vim.trim(text)
end

return M
