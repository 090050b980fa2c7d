-- Where a ghost belongs: its text begins at a place in a line, and the line around it must be as it was.
local api = vim.api

local M = {}

---@class ds4agent.Origin the cursor's surroundings when a request was made
---@field buf integer
---@field row integer from 0
---@field col integer in bytes
---@field line string
---@field tick integer

---@class ds4agent.Ghost
---@field buf integer
---@field row integer from 0
---@field before string the line up to where `text` begins
---@field text string
---@field tail string text behind the cursor that goes when all is accepted
---@field after string the line behind the cursor, `tail` included
---@field command? lsp.Command
---@field client vim.lsp.Client
---@field told? boolean

---@return ds4agent.Origin
function M.here()
  local cursor = api.nvim_win_get_cursor(0)
  return {
    buf = api.nvim_get_current_buf(),
    row = cursor[1] - 1,
    col = cursor[2],
    line = api.nvim_get_current_line(),
  }
end

---@param item table an InlineCompletionItem
---@param origin ds4agent.Origin
---@param client vim.lsp.Client
---@return ds4agent.Ghost
function M.ghost(item, origin, client)
  local function byte(position)
    return vim.str_byteindex(origin.line, client.offset_encoding, position.character, false)
  end
  local range = item.range ~= vim.NIL and item.range or nil
  local first = range and byte(range.start) or origin.col
  local last = math.max(range and byte(range["end"]) or origin.col, origin.col)
  local text = type(item.insertText) == "table" and item.insertText.value or item.insertText
  return {
    buf = origin.buf,
    row = origin.row,
    before = origin.line:sub(1, first),
    text = text:gsub("\r\n?", "\n"),
    tail = origin.line:sub(origin.col + 1, last),
    after = origin.line:sub(origin.col + 1),
    command = item.command ~= vim.NIL and item.command or nil,
    client = client,
  }
end

--- What is left of a ghost at the cursor: its text without what was typed since; nil where it does not belong.
---@param ghost ds4agent.Ghost
---@return string?
function M.rest(ghost)
  local now = M.here()
  if now.buf ~= ghost.buf or now.row ~= ghost.row or now.line:sub(now.col + 1) ~= ghost.after then
    return nil
  end
  local begin = ghost.before .. ghost.text
  local upto = now.line:sub(1, now.col)
  if #upto < #ghost.before or #upto >= #begin or begin:sub(1, #upto) ~= upto then
    return nil
  end
  return begin:sub(#upto + 1)
end

--- Whether all of it has been typed.
---@param ghost ds4agent.Ghost
function M.typed(ghost)
  local now = M.here()
  return now.buf == ghost.buf
    and now.row == ghost.row
    and now.line == ghost.before .. ghost.text .. ghost.after
end

--- Put a piece of the rest at the cursor, and the cursor behind it; `ghost` then begins there.
---@param ghost ds4agent.Ghost
---@param piece string
---@param whole boolean the tail goes
function M.insert(ghost, piece, whole)
  local now = M.here()
  local rest = assert(M.rest(ghost))
  local lines = vim.split(piece, "\n", { plain = true })
  local stop = now.col + (whole and #ghost.tail or 0)
  api.nvim_buf_set_text(now.buf, now.row, now.col, now.row, stop, lines)
  local row = now.row + #lines - 1
  local col = #lines[#lines] + (#lines == 1 and now.col or 0)
  api.nvim_win_set_cursor(0, { row + 1, col })
  ghost.row, ghost.text = row, rest:sub(#piece + 1)
  ghost.before = api.nvim_get_current_line():sub(1, col)
end

return M
