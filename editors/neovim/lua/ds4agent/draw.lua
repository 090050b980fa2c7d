-- Ghost text on the screen: virtual text at the cursor, and virtual lines below it.
--
-- Text that stands behind the cursor is drawn where it would be afterwards: behind the last line of the ghost. To
-- this end the first line covers it, and the last one repeats it.
local api = vim.api

local M = {}
local namespace = api.nvim_create_namespace("ds4agent.ghost")
local HIGHLIGHT = "Ds4Ghost"

-- Virtual text knows no tab stops.
local function without_tabs(line, column)
  local stop = vim.bo.tabstop
  local made = {}
  for piece, tab in line:gmatch("([^\t]*)(\t?)") do
    table.insert(made, piece)
    column = column + vim.fn.strdisplaywidth(piece, column)
    if tab ~= "" then
      local width = stop - column % stop
      table.insert(made, (" "):rep(width))
      column = column + width
    end
  end
  return table.concat(made)
end

---@param buf integer
function M.clear(buf)
  if api.nvim_buf_is_valid(buf) then
    api.nvim_buf_clear_namespace(buf, namespace, 0, -1)
  end
end

-- Chunks of the ghost's lines, and whether the first one covers what is behind the cursor.
local function chunks(ghost, rest, column)
  local lines = vim.split(rest, "\n", { plain = true })
  local made = {}
  for n, line in ipairs(lines) do
    made[n] = { { without_tabs(line, n == 1 and column or 0), HIGHLIGHT } }
  end
  if ghost.after == "" or (#lines == 1 and ghost.tail == "") then
    return made, false
  end
  table.insert(made[#lines], { ghost.after:sub(#ghost.tail + 1), "Normal" })
  local width = 0
  for _, chunk in ipairs(made[1]) do
    width = width + vim.fn.strdisplaywidth(chunk[1])
  end
  local covered = vim.fn.strdisplaywidth(ghost.after, column)
  table.insert(made[1], { (" "):rep(covered - width), "Normal" })
  return made, true
end

---@param ghost ds4agent.Ghost
---@param rest string? what is shown
function M.show(ghost, rest)
  M.clear(ghost.buf)
  if not rest then
    return
  end
  local cursor = api.nvim_win_get_cursor(0)
  local made, covers = chunks(ghost, rest, vim.fn.virtcol(".") - 1)
  api.nvim_buf_set_extmark(ghost.buf, namespace, cursor[1] - 1, cursor[2], {
    virt_text = made[1],
    virt_text_pos = covers and "overlay" or "inline",
    virt_lines = #made > 1 and vim.list_slice(made, 2) or nil,
    hl_mode = "combine",
  })
end

return M
