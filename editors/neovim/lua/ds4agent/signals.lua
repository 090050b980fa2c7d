-- What the server can make use of and LSP has no message for: where the cursor rests, and what was copied.
local api = vim.api
local client = require("ds4agent.client")

local M = {}
local REST_MS = 250
local timer = assert(vim.uv.new_timer())

---@return vim.lsp.Client? client of this buffer
local function of(buf)
  local found = client.get()
  return found and vim.lsp.buf_is_attached(buf, found.id) and found or nil
end

local function rested()
  local found = of(api.nvim_get_current_buf())
  if found then
    found:notify("ds4/cursor", vim.lsp.util.make_position_params(0, found.offset_encoding))
  end
end

-- A register that takes a deletion holds text that is gone from the file: only copies count.
local function yanked(event)
  local found = of(event.buf)
  if not found or vim.v.event.operator ~= "y" then
    return
  end
  local first, last = api.nvim_buf_get_mark(event.buf, "["), api.nvim_buf_get_mark(event.buf, "]")
  local params = vim.lsp.util.make_given_range_params(first, last, event.buf, found.offset_encoding)
  found:notify("ds4/yank", params)
end

---@param group integer
function M.watch(group)
  api.nvim_create_autocmd({ "CursorMoved", "BufEnter", "InsertLeave" }, {
    group = group,
    callback = function() timer:start(REST_MS, 0, vim.schedule_wrap(rested)) end,
  })
  api.nvim_create_autocmd("TextYankPost", { group = group, callback = yanked })
end

return M
